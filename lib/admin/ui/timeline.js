import { html, useState } from './preact.min.js';
import { Button } from './button.js';
import { ChangeList } from './change-list.js';
import { wordsOf } from './chart-markers.js';
import { compact, counted, overrideText } from './format.js';
import { FILTERS, idOrder, loadHistory } from './history-source.js';
import { limitText } from './lateness.js';
import { Panel } from './panel.js';
import { Table } from './table.js';
import { Time } from './time.js';
import { useLoad } from './use-load.js';

/** What was done to a backfill, newest first: actions, config changes with their values, holds, deploys and ends of runs. */
export function Timeline({ url, changes, runId }) {
  const [filter, setFilter] = useState('');
  const [entries, setEntries] = useState(null);
  const [hasMore, setMore] = useState(false);
  const show = (page) => {
    // Pages that were loaded before stay.
    setEntries((known) => merge(page.entries, known ?? []));
    setMore((had) => had || page.hasMore);
  };
  const error = useLoad(() => loadHistory(url, { filter, runId }), show, [url, filter, runId, changes]);
  const choose = (event) => {
    setEntries(null);
    setMore(false);
    setFilter(event.target.value);
  };
  const more = async () => {
    const page = await loadHistory(url, { filter, runId, before: entries.at(-1)?.id });
    setEntries((known) => merge(known, page.entries));
    setMore(page.hasMore);
  };
  return html`<${Panel} title="Timeline">
    <p class="filter">
      <label for="timeline-filter">Show</label>
      <select id="timeline-filter" value=${filter} onChange=${choose}>
        ${Object.entries(FILTERS).map(([id, [title]]) => html`<option key=${id} value=${id}>${title}</option>`)}
      </select>
    </p>
    ${error && html`<p class="alert" role="alert"><bdi>${error.message}</bdi></p>`}
    ${
      entries === null
        ? !error && html`<p class="quiet">Loading…</p>`
        : html`<${Table} caption="Timeline" headings=${['Time', 'What', 'By and why']} rows=${entries.map(rowOf)} empty="Nothing yet." />`
    }
    ${hasMore && entries !== null && html`<div class="actions"><${Button} onClick=${more}>Show older<//></div>`}
  <//>`;
}

function merge(first, second) {
  const byId = new Map([...second, ...first].map((entry) => [entry.id, entry]));
  return [...byId.values()].toSorted((a, b) => idOrder(b.id, a.id));
}

function rowOf({ id, at, type, data }) {
  const waits = type === 'stalled' && data.waitingFor ? `waiting for ${data.waitingFor.reason}` : null;
  const limit = type === 'late' && data.limitedBy ? limitText(data.limitedBy) : null;
  const by = [data.by, type === 'canaryEnded' ? null : data.reason, waits, limit].filter(Boolean).join(': ');
  return {
    key: id,
    cells: [html`<${Time} iso=${at} />`, actionOf(type, data), by ? html`<bdi>${by}</bdi>` : '–'],
  };
}

/** What the words of the chart say. */
const WORDED = new Set(['released', 'deployed', 'heldAll', 'releasedAll', 'stallEnded', 'late', 'onTime']);

function actionOf(type, data) {
  if (type === 'canaryEnded') return html`<bdi>${data.reason}</bdi>`;
  if (type === 'configured') return html`<${ChangeList} patch=${data.patch} from=${data.from} />`;
  if (WORDED.has(type)) return wordsOf({ type, data });
  if (type === 'overridden')
    return html`throttle <bdi>${data.throttle}</bdi> ${overrideText(data.factor, data.until)}`;
  if (data.retried !== undefined) return `${type} ${counted(data.retried, 'failure')}`;
  if (data.failures)
    return `${type} with ${compact(data.failures)} ${data.failures === 1 ? 'failure' : 'failures'}`;
  if (data.undoes) return html`${type} to undo run <bdi>${data.undoes}</bdi>`;
  const canary = data.canary ? ` with a canary of ${counted(data.canary.rows, 'row')}` : '';
  return `${type}${data.dryRun ? ' as a dry run' : ''}${canary}`;
}
