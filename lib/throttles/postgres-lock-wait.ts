import { ramp } from './backfill-throttle.js';
import type { BackfillThrottle, ThrottleOptions } from './backfill-throttle.js';
import { readNumber } from './read-number.js';

/**
 * Milliseconds of waiting.
 *
 * @publicApi
 */
export interface LockWaitOptions extends ThrottleOptions {
  /** Wait from which on the rate comes down. Default 500. */
  readonly from?: number;
  /** Wait that holds. Default 5000. */
  readonly to?: number;
}

/**
 * Slows down while a statement of the same database waits for a lock for long.
 *
 * @publicApi
 */
export function postgresLockWait(options: LockWaitOptions = {}): BackfillThrottle {
  const { from = 500, to = 5_000, ...rest } = options;
  ramp(0, from, to);
  return {
    name: 'postgres-lock-wait',
    ...rest,
    measure: async ({ em }) => {
      const ms = await readNumber(
        em,
        `select coalesce(max(extract(epoch from clock_timestamp() - query_start)) * 1000, 0)::float8 as value
           from pg_stat_activity where wait_event_type = 'Lock' and datname = current_database()`,
      );
      return {
        pressure: ramp(ms, from, to),
        reason: `a statement waits for a lock since ${Math.round(ms)} ms`,
      };
    },
  };
}
