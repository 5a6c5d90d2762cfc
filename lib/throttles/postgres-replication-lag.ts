import type { BackfillThrottle, ThrottleOptions } from './backfill-throttle.js';
import { readNumber } from './read-number.js';
import { thresholdThrottle } from './threshold-throttle.js';

/**
 * Options of {@link postgresReplicationLag}.
 *
 * @publicApi
 */
export interface ReplicationLagOptions extends ThrottleOptions {
  /** Seconds of lag above which the rate is reduced. Default 2. */
  readonly from?: number;
  /** Seconds of lag at which the backfill is held. Default 30. */
  readonly to?: number;
}

/**
 * Slows down while a replica of PostgreSQL lags: the highest `replay_lag` in `pg_stat_replication` counts. Queried
 * on the primary; a role that is no superuser needs `pg_monitor`.
 *
 * @throws RangeError unless `from` is below `to`
 * @publicApi
 */
export function postgresReplicationLag({
  from = 2,
  to = 30,
  ...rest
}: ReplicationLagOptions = {}): BackfillThrottle {
  return thresholdThrottle({
    ...rest,
    name: 'postgres-replication-lag',
    throttleAt: from,
    stopAt: to,
    read: ({ em }) =>
      readNumber(
        em,
        'select coalesce(max(extract(epoch from replay_lag)), 0)::float8 as value from pg_stat_replication',
      ),
    reason: (seconds) => `replication lag ${seconds.toFixed(1)} s`,
  });
}
