import { rowsOf } from '../../state/range-entry.js';
import type { RangeEntry } from '../../state/range-entry.js';
import type { JsonValue } from '../../sources/backfill-source.js';

/** A row that a transaction of somebody else holds is tried again after this time. */
export const LOCKED_DELAY_MS = 500;
const FIRST_DELAY_MS = 10;
const MAX_DELAY_MS = 1_000;

/** After so many rounds a row that others keep writing fails. */
export const MAX_ROUNDS = 10;

/** Ms between two rounds: none after the first, then twice as long after each. */
export function roundDelay(round: number): number {
  return round === 1 ? 0 : Math.min(MAX_DELAY_MS, FIRST_DELAY_MS * 2 ** (round - 2));
}

/** The rows of an entry that are loaded again. */
export function entryOfKeys(entry: RangeEntry, keys: readonly JsonValue[]): RangeEntry {
  return { ...entry, rows: keys.length, payload: rowsOf(entry.payload, keys) };
}
