import { isOutOfConnections } from '../database/classify-error.js';
import type { BackfillThrottle, ThrottleOptions } from './backfill-throttle.js';
import { readRows } from './read-number.js';
import { thresholdThrottle } from './threshold-throttle.js';

/**
 * Options of {@link mysqlThreads}.
 *
 * @publicApi
 */
export interface MysqlThreadsOptions extends ThrottleOptions {
  /** Running threads above which the rate is reduced. Default 25. */
  readonly from?: number;
  /** Running threads at which the backfill is held. Default 50. */
  readonly to?: number;
}

/**
 * Slows down while many statements run at once on MySQL or MariaDB: the status variable `Threads_running`, which counts
 * those of the backfill as well. Holds where the server refuses a connection for having too many.
 *
 * @throws RangeError unless `from` is below `to`
 * @publicApi
 */
export function mysqlThreads({ from = 25, to = 50, ...rest }: MysqlThreadsOptions = {}): BackfillThrottle {
  return thresholdThrottle({
    ...rest,
    name: 'mysql-threads',
    throttleAt: from,
    stopAt: to,
    read: async ({ em }) => {
      try {
        const [row] = await readRows(em, `show global status like 'Threads_running'`);
        return Number(row?.['Value']);
      } catch (error) {
        if (isOutOfConnections(error)) {
          return to;
        }
        throw error;
      }
    },
    reason: (threads) => `${threads} ${threads === 1 ? 'thread runs' : 'threads run'} in the database`,
  });
}
