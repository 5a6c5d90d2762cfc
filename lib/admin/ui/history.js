import { el } from './dom.js';
import { compact, valueText, when } from './format.js';
import { table } from './components.js';

/** Runs, newest first. */
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
    'No runs yet.',
  );
}

/** Config changes with their old and new values, newest first. */
export function changesTable(entries) {
  return table(
    'Config changes',
    ['Time', 'Change', 'By'],
    entries
      .filter(({ type }) => type === 'configured')
      .map(({ at, data }) => [
        el('span.once', {}, when(at)),
        el('ul.changes', {}, ...changeLines(data)),
        authorAndReason(data),
      ]),
    'No changes yet.',
  );
}

/** One line for each key whose value changed; a patch may also repeat the old value. */
function changeLines({ patch = {}, from = {} }) {
  const lines = Object.entries(patch)
    .map(([key, value]) => [key, from[key] ?? null, value])
    .filter(([, before, after]) => JSON.stringify(before) !== JSON.stringify(after))
    .map((change) => changeLine(...change));
  return lines.length > 0 ? lines : [el('li.quiet', {}, 'no difference')];
}

/** A key with its old and its new value. */
export function changeLine(key, before, after) {
  return el(
    'li',
    {},
    el('code', {}, key),
    ' ',
    el('del', {}, valueText(before)),
    ' → ',
    el('ins', {}, valueText(after)),
  );
}

/** Actions with their author and reason, newest first. */
export function historyTable(entries) {
  return table(
    'History',
    ['Time', 'Action', 'By'],
    entries.map(({ at, type, data }) => [
      el('span.once', {}, when(at)),
      [type, detailsOf(data)].filter(Boolean).join(' '),
      authorAndReason(data),
    ]),
    'No actions yet.',
  );
}

function authorAndReason({ by, reason }) {
  return [by, reason].filter(Boolean).join(': ') || '–';
}

function detailsOf({ patch, failures, retried, dryRun }) {
  if (patch) return Object.keys(patch).join(', ');
  if (retried !== undefined) return `${compact(retried)} ${retried === 1 ? 'failure' : 'failures'}`;
  if (failures) return `with ${compact(failures)} ${failures === 1 ? 'failure' : 'failures'}`;
  return dryRun ? 'as a dry run' : '';
}
