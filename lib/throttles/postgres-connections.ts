import { isOutOfConnections } from '../database/classify-error.js';
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
 * Slows down while PostgreSQL runs out of connections, and holds where it refuses one for that.
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
    read: async ({ em }) => {
      try {
        return await readNumber(
          em,
          `select count(*)::float8 / current_setting('max_connections')::int as value
             from pg_stat_activity where backend_type = 'client backend'`,
        );
      } catch (error) {
        if (isOutOfConnections(error)) {
          return Math.max(1, to);
        }
        throw error;
      }
    },
    reason: (fraction) => `${Math.round(fraction * 100)} % of connections in use`,
  });
}
