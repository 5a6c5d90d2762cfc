import type { EntityManager } from '@mikro-orm/core';
import type { BackfillThrottle, ThrottleOptions } from './backfill-throttle.js';
import { readRowsOf, replicasOf } from './read-number.js';
import type { Row } from './read-number.js';
import { thresholdThrottle } from './threshold-throttle.js';

/** Of MySQL from 8.4 on, and of every MariaDB. */
const STATEMENTS = ['show replica status', 'show slave status'];

/**
 * Options of {@link mysqlReplicaLag}.
 *
 * @publicApi
 */
export interface MysqlReplicaLagOptions extends ThrottleOptions {
  /** Seconds of lag above which the rate is reduced. Default 2. */
  readonly from?: number;
  /** Seconds of lag at which the backfill is held. Default 30. */
  readonly to?: number;
}

/**
 * Slows down while a replica of MySQL or MariaDB lags: the highest `Seconds_Behind_Source` (or `Seconds_Behind_Master`) of
 * those in `replicas` of MikroORM, or of the database of the app itself, where it is a replica. Fails where replication
 * has stopped, see `onError`. The user needs `REPLICATION CLIENT`, or `REPLICA MONITOR` of MariaDB.
 *
 * @throws RangeError unless `from` is below `to`
 * @publicApi
 */
export function mysqlReplicaLag({
  from = 2,
  to = 30,
  ...rest
}: MysqlReplicaLagOptions = {}): BackfillThrottle {
  return thresholdThrottle({
    ...rest,
    name: 'mysql-replica-lag',
    throttleAt: from,
    stopAt: to,
    read: async ({ em }) => {
      const rows = (await Promise.all(replicasOf(em).map((replica) => replicaStatus(replica)))).flat();
      return Math.max(0, ...rows.map(lagOf));
    },
    reason: (seconds) => `replication lag ${seconds.toFixed(1)} s`,
  });
}

/** A row for each server that the replica replicates; none where it is no replica. */
async function replicaStatus(replica: ReturnType<EntityManager['getConnection']>): Promise<readonly Row[]> {
  const [statement = '', earlier = ''] = STATEMENTS;
  try {
    return await readRowsOf(replica, statement);
  } catch (error) {
    if (/syntax/i.test(String(error))) {
      return readRowsOf(replica, earlier);
    }
    throw error;
  }
}

function lagOf(row: Row): number {
  const lag = row['Seconds_Behind_Source'] ?? row['Seconds_Behind_Master'];
  if (lag === null || lag === undefined) {
    const cause = [row['Last_SQL_Error'], row['Last_IO_Error']].find(
      (text) => typeof text === 'string' && text,
    );
    throw new Error(
      ['Expected a replica that replicates, got one that has stopped', cause].filter(Boolean).join(': '),
    );
  }
  return Number(lag);
}
