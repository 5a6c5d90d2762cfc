import type { RangeEntry, RangePayload } from '../state/range-entry.js';

/** An outstanding range, or rows split off from one, in a harness. */
export interface HarnessEntry extends Pick<RangeEntry, 'index' | 'attempts' | 'rows'> {
  readonly payload: RangePayload;
}

/** The entry as a worker sees it after its first claim. */
export function toClaimedEntry(entry: HarnessEntry): RangeEntry {
  return { ...entry, claims: 1, crashes: 0 };
}
