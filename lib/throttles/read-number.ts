import type { Connection, EntityManager } from '@mikro-orm/core';
import { measurePoolWait } from '../database/pool-wait.js';

/** A row of a result, by column. */
export type Row = Readonly<Record<string, unknown>>;

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
export function readRows(em: EntityManager, sql: string): Promise<readonly Row[]> {
  return readRowsOf(em.getConnection('write'), sql);
}

/** As `readRows`, on one of the connections of the app: that of a replica has a pool of its own. */
export async function readRowsOf(connection: Connection, sql: string): Promise<readonly Row[]> {
  if (!isSql(connection)) {
    throw new TypeError('Expected a SQL database for this throttle, got a driver without execute()');
  }
  const before = lastOf.get(connection) ?? Promise.resolve();
  const rows = measurePoolWait(before).then(() => connection.execute(sql));
  lastOf.set(
    connection,
    rows.catch(() => undefined),
  );
  return rows;
}

function isSql(connection: object): connection is SqlConnection {
  return typeof Reflect.get(connection, 'execute') === 'function';
}

/** The connections of MikroORM's `replicas`, or that of the database itself where there are none. */
export function replicasOf(em: EntityManager): readonly Connection[] {
  const replicas: unknown = Reflect.get(em.getDriver(), 'replicas');
  return Array.isArray(replicas) && replicas.length > 0
    ? (replicas as Connection[])
    : [em.getConnection('write')];
}
