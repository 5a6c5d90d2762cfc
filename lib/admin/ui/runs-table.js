import { html } from './preact.min.js';
import { RunBadge } from './badge.js';
import { between, compact } from './format.js';
import { runHash } from './router.js';
import { failuresOf } from './status-groups.js';
import { Table } from './table.js';
import { Time } from './time.js';

/** Runs, newest first. */
export function RunsTable({ name, runs, status }) {
  if (runs === null) return html`<p class="quiet">Loading…</p>`;
  // The status of the newest run is read more often than the list.
  const newest = { ...status, status: status.state, failures: failuresOf(status) };
  const current = runs.map((run) => (run.id === status.runId ? { ...run, ...newest } : run));
  const rows = current.map(
    ({ id, startedAt, finishedAt, status, dryRun, undoes, rowsDone, failures, startedBy, reason }) => ({
      key: id,
      cells: [
        html`<a href=${runHash(name, id)}><${Time} iso=${startedAt} /></a>${undoes && ', undo'}`,
        html`<${RunBadge} status=${status} dryRun=${dryRun} />`,
        finishedAt ? between(Date.parse(startedAt), Date.parse(finishedAt)) : '–',
        compact(rowsDone),
        compact(failures),
        html`<bdi>${[startedBy, reason].filter(Boolean).join(': ') || '–'}</bdi>`,
      ],
    }),
  );
  return html`<${Table}
    caption="Runs"
    headings=${['Started', 'State', 'Took', 'Rows', 'Failures', 'By']}
    rows=${rows}
    empty="No runs yet."
  />`;
}
