import { html } from './preact.min.js';
import { compact, rate, valueText } from './format.js';
import { Table } from './table.js';

/** The partitions of a source: how far each is, how fast, and where its planning continues. */
export function PartitionsTable({ partitions }) {
  const rows = partitions.map(({ name, cursor, rows, rowsTotal, percent, rowsPerSecond }) => ({
    key: name,
    cells: [
      html`<bdi>${name}</bdi>`,
      percent === null ? 'not known' : html`<${Share} percent=${percent} />`,
      rows === null ? '–' : `${compact(rows)}${rowsTotal === null ? '' : ` of ${compact(rowsTotal)}`}`,
      rowsPerSecond === null ? '–' : `${rate(rowsPerSecond)} rows/s`,
      cursor === null ? 'at its beginning' : html`<code><bdi>${valueText(cursor)}</bdi></code>`,
    ],
  }));
  return html`<${Table} caption="Partitions" headings=${['Partition', 'Progress', 'Rows', 'Speed', 'Cursor']} rows=${rows} />`;
}

/** The bar repeats the number, so that only the number is read out. */
function Share({ percent }) {
  return html`<span class="share">
    <span class="bar" aria-hidden="true"><span class="bar-done" style=${{ width: `${percent}%` }}></span></span>${percent} %
  </span>`;
}
