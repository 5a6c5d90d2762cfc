import type { BackfillThrottle, ThrottleOptions } from './backfill-throttle.js';
import { readNumber } from './read-number.js';
import { thresholdThrottle } from './threshold-throttle.js';

/**
 * Options of {@link postgresLockWait}.
 *
 * @publicApi
 */
export interface LockWaitOptions extends ThrottleOptions {
  /** Milliseconds of waiting above which the rate is reduced. Default 500. */
  readonly from?: number;
  /** Milliseconds of waiting at which the backfill is held. Default 5000. */
  readonly to?: number;
}

/**
 * Slows down while a statement in the same database waits for a lock: the longest wait counts.
 *
 * @throws RangeError unless `from` is below `to`
 * @publicApi
 */
export function postgresLockWait({
  from = 500,
  to = 5_000,
  ...rest
}: LockWaitOptions = {}): BackfillThrottle {
  return thresholdThrottle({
    ...rest,
    name: 'postgres-lock-wait',
    throttleAt: from,
    stopAt: to,
    read: ({ em }) =>
      readNumber(
        em,
        `select coalesce(max(extract(epoch from clock_timestamp() - query_start)) * 1000, 0)::float8 as value
           from pg_stat_activity where wait_event_type = 'Lock' and datname = current_database()`,
      ),
    reason: (ms) => `a statement has waited ${Math.round(ms)} ms for a lock`,
  });
}
