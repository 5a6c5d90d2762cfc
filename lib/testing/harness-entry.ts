import type { JsonValue } from '../sources/backfill-source.js';
import type { RangeEntry, RangePayload } from '../state/range-entry.js';

/** An outstanding range, or rows split off from one, in a harness. */
export interface HarnessEntry extends Pick<RangeEntry, 'index' | 'attempts' | 'rows'> {
  readonly payload: RangePayload;
}

/** The entry as a worker sees it after its first claim. */
export function toClaimedEntry(entry: HarnessEntry): RangeEntry {
  return { ...entry, claims: 1, crashes: 0 };
}

/** Rows of an entry by their keys, as an entry of their own. */
export function entryOfRows(entry: HarnessEntry, keys: readonly JsonValue[]): HarnessEntry {
  const { partition } = entry.payload;
  return { ...entry, rows: keys.length, payload: { kind: 'rows', partition, keys: [...keys] } };
}
