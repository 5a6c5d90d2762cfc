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

/** Who changed which value of the config from what to what, newest first. */
export function changesTable(entries) {
  return table(
    'Config changes',
    ['When', 'Change', 'By'],
    entries
      .filter(({ type }) => type === 'configured')
      .map(({ at, data }) => [
        el('span.once', {}, when(at)),
        el('ul.changes', {}, ...changeLines(data)),
        whoAndWhy(data),
      ]),
    'Nobody has changed it.',
  );
}

/** What differs; what was set to what it was already is no change. */
function changeLines({ patch = {}, from = {} }) {
  const lines = Object.entries(patch)
    .map(([key, value]) => [key, from[key] ?? null, value])
    .filter(([, before, after]) => JSON.stringify(before) !== JSON.stringify(after))
    .map((change) => changeLine(...change));
  return lines.length > 0 ? lines : [el('li.quiet', {}, 'nothing that differs')];
}

/** A value as it was and as it is from then on. */
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

/** Who did what and why, newest first. */
export function historyTable(entries) {
  return table(
    'What was done',
    ['When', 'What', 'By'],
    entries.map(({ at, type, data }) => [
      el('span.once', {}, when(at)),
      [type, detailOf(data)].filter(Boolean).join(' '),
      whoAndWhy(data),
    ]),
    'Nothing was done yet.',
  );
}

function whoAndWhy({ by, reason }) {
  return [by, reason].filter(Boolean).join(': ') || '–';
}

function detailOf({ patch, failures, retried, dryRun }) {
  if (patch) return Object.keys(patch).join(', ');
  if (retried !== undefined) return `${compact(retried)} failures`;
  if (failures) return `with ${compact(failures)} failures`;
  return dryRun ? 'as a dry run' : '';
}
