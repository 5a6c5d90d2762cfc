import { numberOf } from './config-values.js';
import { count, counted, rate } from './format.js';

const CALLS = 'callsPerSecond';
const PREFIX = `${CALLS}.`;
/** Labels of the limits, what each says in a line, and hints. */
const LABELS = {
  concurrency: [
    'Ranges at once',
    (value) => `${counted(value, 'range')} at once`,
    'In all processes together',
  ],
  rangesPerSecond: ['Ranges/s', (value) => `${rate(value)} ranges/s`, 'That start per second'],
  rowsPerSecond: ['Rows/s', (value) => `${rate(value)} rows/s`, 'Of the ranges that start per second'],
  perTable: ['Runs per table', (value) => `${counted(value, 'run')} per table`, 'Further ones wait'],
};

export const callsKey = (name) => `${PREFIX}${name}`;
export const labelOf = (key) =>
  key.startsWith(PREFIX) ? `Calls/s to ${key.slice(PREFIX.length)}` : (LABELS[key]?.[0] ?? key);
export const hintOf = (key) => LABELS[key]?.[2];

/** The limits by the names of their fields: `callsPerSecond.directory` for that of a third party. */
export function flat(limits) {
  const { [CALLS]: calls = {}, ...others } = limits;
  return {
    ...others,
    ...Object.fromEntries(Object.entries(calls).map(([name, value]) => [callsKey(name), value])),
  };
}

/** Each limit in words; those that do not limit are left out. */
export function limitTexts(limits) {
  return Object.entries(flat(limits))
    .filter(([, value]) => value !== null)
    .map(([key, value]) =>
      key.startsWith(PREFIX)
        ? `${rate(value)} calls/s to ${key.slice(PREFIX.length)}`
        : (LABELS[key]?.[1](value) ?? `${key}: ${count(value)}`),
    );
}

/** What a request has for the texts of the fields: only the limits that differ from those in force. */
export function budgetPatchOf(limits, edits) {
  const inForce = flat(limits);
  const changed = Object.entries(edits)
    .map(([key, text]) => [key, numberOf(text)])
    .filter(([key, value]) => value !== (inForce[key] ?? null));
  const calls = changed.filter(([key]) => key.startsWith(PREFIX));
  return {
    ...Object.fromEntries(changed.filter(([key]) => !key.startsWith(PREFIX))),
    ...(calls.length > 0
      ? { [CALLS]: Object.fromEntries(calls.map(([key, value]) => [key.slice(PREFIX.length), value])) }
      : {}),
  };
}

/** The limits that differ between two budgets, as a patch from the first to the second. */
export function limitDifferences(before, after) {
  const [from, to] = [flat(before), flat(after)];
  const keys = [...new Set([...Object.keys(from), ...Object.keys(to)])];
  return Object.fromEntries(
    keys.map((key) => [key, to[key] ?? null]).filter(([key, value]) => value !== (from[key] ?? null)),
  );
}
