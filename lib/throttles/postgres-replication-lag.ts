import { ramp } from './backfill-throttle.js';
import type { BackfillThrottle, ThrottleOptions } from './backfill-throttle.js';
import { readNumber } from './read-number.js';

/**
 * Seconds of lag.
 *
 * @publicApi
 */
export interface ReplicationLagOptions extends ThrottleOptions {
  /** Lag from which on the rate comes down. Default 2. */
  readonly from?: number;
  /** Lag that holds. Default 30. */
  readonly to?: number;
}

/**
 * Slows down while a replica of PostgreSQL falls behind: the one that is furthest behind in replaying counts.
 * Asked on the primary; needs `pg_monitor` where the app's role is no superuser.
 *
 * @publicApi
 */
export function postgresReplicationLag(options: ReplicationLagOptions = {}): BackfillThrottle {
  const { from = 2, to = 30, ...rest } = options;
  ramp(0, from, to);
  return {
    name: 'postgres-replication-lag',
    ...rest,
    measure: async ({ em }) => {
      const lag = await readNumber(
        em,
        'select coalesce(max(extract(epoch from replay_lag)), 0)::float8 as value from pg_stat_replication',
      );
      return { pressure: ramp(lag, from, to), reason: `replication lag ${lag.toFixed(1)} s` };
    },
  };
}
