import { html } from './preact.min.js';
import { ForecastList } from './forecast-list.js';
import { count, counted, keyText } from './format.js';
import { Table } from './table.js';

/** What a rehearsal did to each row: a line for each column that changed. */
export function RehearsalResult({ result }) {
  const {
    rows,
    untouched,
    errors,
    batches,
    statements,
    msPerRow,
    outside,
    tables,
    committed,
    partial,
    notes,
  } = result;
  const changed = rows.filter((row) => row.changed.length > 0);
  const speed = msPerRow === null ? '' : `, ${msPerRow} ms a row`;
  return html`<div class="rehearsal">
    <p>
      ${counted(rows.length, 'row')} in ${count(batches)} ${batches === 1 ? 'batch' : 'batches'}: ${count(changed.length)}
      ${' '}changed, ${count(untouched)} untouched, ${count(errors.length)} failed; ${statements.perBatch} statements a batch${speed}.
    </p>
    ${committed && html`<p class="alert" role="alert"><bdi>Not rolled back: ${committed}</bdi></p>`}
    ${partial && html`<p class="warning"><bdi>${partial}</bdi></p>`}
    <${Table}
      caption="Differences"
      headings=${['Row', 'Column', 'Before', 'After']}
      rows=${changed.flatMap(differencesOf)}
      empty="No row changed."
    />
    ${
      errors.length > 0 &&
      html`<${Table}
        caption="Rows that failed"
        headings=${['Row', 'Error']}
        rows=${errors.map(({ key, error }, i) => ({
          key: i,
          cells: [html`<bdi>${keyText(key)}</bdi>`, html`<bdi>${error.name}: ${error.message}</bdi>`],
        }))}
      />`
    }
    ${result.forecast && html`<${ForecastList} forecast=${result.forecast} />`}
    <ul class="quiet">
      ${tables.map(
        ({ table, inserted, updated, deleted }) =>
          html`<li key=${table}><bdi>${table}</bdi>: ${count(inserted)} inserted, ${count(updated)} updated, ${count(deleted)} deleted</li>`,
      )}
      ${outside.map(({ quota, calls }) => html`<li key=${quota}>${counted(calls, 'call')} to the third party of <bdi>${quota}</bdi></li>`)}
      ${notes.map((note) => html`<li key=${note}><bdi>${note}</bdi></li>`)}
    </ul>
  </div>`;
}

function differencesOf({ key, before, after, changed }, row) {
  const name = html`<bdi>${keyText(key)}</bdi>`;
  if (after === null) {
    return [{ key: `${row}`, cells: [name, 'all', 'deleted by the handler', html`<ins>none</ins>`] }];
  }
  return changed.map((column) => ({
    key: `${row}:${column}`,
    cells: [
      name,
      html`<bdi>${column}</bdi>`,
      html`<del><bdi>${before[column] ?? 'null'}</bdi></del>`,
      html`<ins><bdi>${after[column] ?? 'null'}</bdi></ins>`,
    ],
  }));
}
