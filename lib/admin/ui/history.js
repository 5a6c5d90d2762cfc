import { el } from './dom.js';
import { compact, valueText, when } from './format.js';
import { table } from './parts.js';

/** The runs, newest first. */
export function runsTable(runs) {
  return table(
    'Runs',
    ['Started', 'State', 'Rows', 'Failures', 'By'],
    runs.map(({ startedAt, status, dryRun, rowsDone, failures, startedBy, reason }) => [
      el('span.once', {}, when(startedAt)),
      el('span.badge', { 'data-state': status }, dryRun ? `${status} · dry run` : status),
      compact(rowsDone),
      compact(failures),
      [startedBy, reason].filter(Boolean).join(': ') || '–',
    ]),
    'It has never run.',
  );
}

/** Who did what and why, newest first. */
export function historyTable(entries) {
  return table(
    'What was done',
    ['When', 'What', 'By'],
    entries.map(({ at, type, data }) => [
      el('span.once', {}, when(at)),
      [type, detailOf(data)].filter(Boolean).join(' '),
      [data.by, data.reason].filter(Boolean).join(': ') || '–',
    ]),
    'Nothing was done yet.',
  );
}

function detailOf({ patch, failures, retried, dryRun }) {
  if (patch) {
    return Object.entries(patch)
      .map(([key, value]) => `${key} = ${valueText(value)}`)
      .join(', ');
  }
  if (retried !== undefined) return `${compact(retried)} failures`;
  if (failures) return `with ${compact(failures)} failures`;
  return dryRun ? 'as a dry run' : '';
}
