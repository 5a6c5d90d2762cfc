import type { BackfillThrottle, ThrottleOptions } from './backfill-throttle.js';
import { readNumber } from './read-number.js';
import { thresholdThrottle } from './threshold-throttle.js';

/**
 * Options of {@link postgresConnections}.
 *
 * @publicApi
 */
export interface ConnectionsOptions extends ThrottleOptions {
  /** Used fraction of `max_connections`, 0 to 1, above which the rate is reduced. Default 0.7. */
  readonly from?: number;
  /** Used fraction of `max_connections`, 0 to 1, at which the backfill is held. Default 0.95. */
  readonly to?: number;
}

/**
 * Slows down while PostgreSQL runs out of connections.
 *
 * @throws RangeError unless `from` is below `to`
 * @publicApi
 */
export function postgresConnections({
  from = 0.7,
  to = 0.95,
  ...rest
}: ConnectionsOptions = {}): BackfillThrottle {
  return thresholdThrottle({
    ...rest,
    name: 'postgres-connections',
    throttleAt: from,
    stopAt: to,
    read: ({ em }) =>
      readNumber(
        em,
        `select count(*)::float8 / current_setting('max_connections')::int as value
           from pg_stat_activity where backend_type = 'client backend'`,
      ),
    reason: (fraction) => `${Math.round(fraction * 100)} % of connections in use`,
  });
}
