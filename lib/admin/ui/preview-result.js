import { html } from './preact.min.js';
import { has, query, read, send } from './api.js';
import { serverNow } from './clock.js';
import { ForecastList } from './forecast-list.js';
import { counted, keyText, untilText, when } from './format.js';
import { Table } from './table.js';
import { Time } from './time.js';

const RANGES = 5;

/** What a run with these options of a start would do. */
export async function loadPreview(url, options) {
  const asked = { limit: RANGES, ...options };
  if ('params' in asked) return { result: await send('POST', `${url}/preview`, asked, has('ranges')) };
  const texts = Object.entries(asked).map(([key, value]) => [key, keyText(value)]);
  return { result: await read(`${url}/preview${query(Object.fromEntries(texts))}`, has('ranges')) };
}

/** What a run would do; marked where the bounds or parameters were changed since. */
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
    ${isStale && html`<p class="warning">What it was asked for was changed after this preview.</p>`}
    <p>${counted(total, 'range')} over ${about}${counted(rowsTotal, 'row')}; ${end}.</p>
    ${warnings.map(({ message }) => html`<p class="warning" key=${message}><bdi>${message}</bdi></p>`)}
    ${preview.result.forecast && html`<${ForecastList} forecast=${preview.result.forecast} />`}
    <${Table} caption="First ranges" headings=${['Range', 'Rows', 'Starts']} rows=${rows} empty="No rows to process." />
  </div>`;
}

function rangeText(keys) {
  return Object.entries(keys)
    .filter(([key]) => key !== 'where')
    .map(([key, value]) => `${key} ${keyText(value)}`)
    .join(', ');
}
