import { html, useState } from './preact.min.js';
import { has, query, read } from './api.js';
import { Button } from './button.js';
import { keyText } from './format.js';
import { Table } from './table.js';
import { useLoad } from './use-load.js';

const REASONS = {
  changed: 'written by others since',
  gone: 'deleted by others since',
  exists: 'deleted by the run; others have inserted it again',
  blocked: 'deleted by the run; another row has one of its unique values',
};

/** Rows that an undo has left as they are, by table and key. */
export function ConflictList({ url, runId, version }) {
  const [page, setPage] = useState(null);
  const load = (after) => read(`${url}/undo/conflicts${query({ runId, after })}`, has('items'));
  const error = useLoad(() => load(), setPage, [url, runId, version]);
  if (error) return html`<p class="alert" role="alert"><bdi>${error.message}</bdi></p>`;
  if (page === null) return html`<p class="quiet">Loading…</p>`;
  const more = async () => {
    const next = await load(page.next);
    setPage({ items: [...page.items, ...next.items], next: next.next });
  };
  return html`<div>
    <${Table} caption="Rows that were left" headings=${['Table', 'Key', 'Why', 'Columns']} rows=${page.items.map(rowOf)} empty="None." />
    ${page.next !== null && html`<div class="actions"><${Button} onClick=${more}>Show more<//></div>`}
  </div>`;
}

function rowOf({ table, key, reason, columns }) {
  return {
    key: `${table} ${keyText(key)}`,
    cells: [
      html`<bdi>${table}</bdi>`,
      html`<code><bdi>${keyText(key)}</bdi></code>`,
      REASONS[reason] ?? reason,
      html`<bdi>${columns.join(', ')}</bdi>`,
    ],
  };
}
