import { html } from './preact.min.js';
import { has, query, read } from './api.js';
import { serverNow } from './clock.js';
import { counted, keyText, untilText, when } from './format.js';
import { Table } from './table.js';
import { Time } from './time.js';

const RANGES = 5;

export async function loadPreview(url, from, to) {
  return { result: await read(`${url}/preview${query({ limit: RANGES, from, to })}`, has('ranges')) };
}

/** What a run would do; marked where the bounds were changed since. */
export function PreviewResult({ preview, isStale }) {
  const { ranges, total, rowsTotal, rowsTotalKind, estimatedEnd, warnings } = preview.result;
  const about = rowsTotalKind === 'estimated' ? 'about ' : '';
  const end = estimatedEnd
    ? `estimated to end in ${untilText(estimatedEnd, serverNow())} (${when(estimatedEnd)})`
    : 'the end cannot be estimated';
  const rows = ranges.map(({ index, runAt, ...keys }) => ({
    key: index,
    cells: [
      String(index),
      html`<bdi>${rangeText(keys)}</bdi>`,
      runAt ? html`<${Time} iso=${runAt} />` : 'not at this rate',
    ],
  }));
  return html`<div class="preview" data-stale=${isStale ? '' : null}>
    ${isStale && html`<p class="warning">The bounds were changed after this preview.</p>`}
    <p>${counted(total, 'range')} over ${about}${counted(rowsTotal, 'row')}; ${end}.</p>
    ${warnings.map(({ message }) => html`<p class="warning" key=${message}><bdi>${message}</bdi></p>`)}
    <${Table} caption="First ranges" headings=${['Range', 'Rows', 'Starts']} rows=${rows} empty="No rows to process." />
  </div>`;
}

function rangeText(keys) {
  return Object.entries(keys)
    .filter(([key]) => key !== 'where')
    .map(([key, value]) => `${key} ${keyText(value)}`)
    .join(', ');
}
