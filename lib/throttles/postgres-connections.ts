import { ramp } from './backfill-throttle.js';
import type { BackfillThrottle, ThrottleOptions } from './backfill-throttle.js';
import { readNumber } from './read-number.js';

/**
 * Shares of `max_connections`, from 0 to 1.
 *
 * @publicApi
 */
export interface ConnectionsOptions extends ThrottleOptions {
  /** Share from which on the rate comes down. Default 0.7. */
  readonly from?: number;
  /** Share that holds. Default 0.95. */
  readonly to?: number;
}

/**
 * Slows down while the connections of PostgreSQL are used up.
 *
 * @publicApi
 */
export function postgresConnections(options: ConnectionsOptions = {}): BackfillThrottle {
  const { from = 0.7, to = 0.95, ...rest } = options;
  ramp(0, from, to);
  return {
    name: 'postgres-connections',
    ...rest,
    measure: async ({ em }) => {
      const share = await readNumber(
        em,
        `select count(*)::float8 / current_setting('max_connections')::int as value
           from pg_stat_activity where backend_type = 'client backend'`,
      );
      return {
        pressure: ramp(share, from, to),
        reason: `${Math.round(share * 100)} % of connections in use`,
      };
    },
  };
}
