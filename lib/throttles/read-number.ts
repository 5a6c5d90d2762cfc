import type { EntityManager } from '@mikro-orm/core';
import { measurePoolWait } from '../database/pool-wait.js';

type Row = Readonly<Record<string, unknown>>;

interface SqlConnection {
  execute(sql: string): Promise<readonly Row[]>;
}

/** The last statement on each connection pool. */
const lastOf = new WeakMap<object, Promise<unknown>>();

/** Runs a statement that returns one number in the column `value`. */
export async function readNumber(em: EntityManager, sql: string): Promise<number> {
  const [row] = await readRows(em, sql);
  return Number(row?.['value'] ?? 0);
}

/** Runs a statement after those of other throttles: all of them together take one connection of the app's pool at a time. */
export async function readRows(em: EntityManager, sql: string): Promise<readonly Row[]> {
  const connection = em.getConnection('write') as Partial<SqlConnection> & object;
  if (typeof connection.execute !== 'function') {
    throw new TypeError('Expected a SQL database for this throttle, got a driver without execute()');
  }
  const { execute } = connection;
  const before = lastOf.get(connection) ?? Promise.resolve();
  const rows = measurePoolWait(before).then(() => execute.call(connection, sql));
  lastOf.set(
    connection,
    rows.catch(() => undefined),
  );
  return rows;
}
