import type { WorkEntry, WorkPayload } from '../state/work-entry.js';

/** A piece of work of a harness. */
export interface HarnessWork extends Pick<WorkEntry, 'index' | 'attempts' | 'rows'> {
  readonly payload: WorkPayload;
}

/** The work as a worker would have claimed it, for the first time. */
export function entryOf(work: HarnessWork): WorkEntry {
  return { ...work, claims: 1, crashes: 0 };
}
