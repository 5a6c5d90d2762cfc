import type { RangeEntry, RangePayload } from '../state/range-entry.js';

/** A piece of work of a harness. */
export interface HarnessWork extends Pick<RangeEntry, 'index' | 'attempts' | 'rows'> {
  readonly payload: RangePayload;
}

/** The work as a worker would have claimed it, for the first time. */
export function entryOf(work: HarnessWork): RangeEntry {
  return { ...work, claims: 1, crashes: 0 };
}
