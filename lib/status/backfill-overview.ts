import type { GlobalHold } from '../state/global-hold.js';
import type { BackfillStatus } from './backfill-status.js';

/**
 * A backfill in an overview.
 *
 * @publicApi
 */
export interface BackfillOverviewEntry extends BackfillStatus {
  /**
   * Rows a second of the last 30 periods of 2 seconds, oldest first, 0 where nothing was measured; empty unless the run is
   * running.
   */
  readonly recent: readonly number[];
}

/**
 * All backfills at one moment, or what has changed since an earlier one.
 *
 * @publicApi
 */
export interface BackfillOverview {
  /** When it was read, as an ISO string by the clock of Redis. */
  readonly now: string;
  /** What to pass to the next call. Opaque; it is valid in every process of the app. */
  readonly revision: string;
  /** The hold of all runs; `null` where there is none. */
  readonly hold: GlobalHold | null;
  /** The names of all backfills that have a handler in the app or an active run, in order. */
  readonly names: readonly string[];
  /** All of them, or those that have changed since the given revision. `now` alone is no change. */
  readonly backfills: readonly BackfillOverviewEntry[];
}
