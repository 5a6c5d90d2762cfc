import type { EntityManager } from '@mikro-orm/core';

interface SqlConnection {
  execute(sql: string): Promise<readonly Record<string, unknown>[]>;
}

/** Runs a statement that returns one number in the column `value`. */
export async function readNumber(em: EntityManager, sql: string): Promise<number> {
  const connection = em.getConnection('write') as Partial<SqlConnection>;
  if (typeof connection.execute !== 'function') {
    throw new TypeError('Expected a SQL database for this throttle, got a driver without execute()');
  }
  const [row] = await connection.execute(sql);
  return Number(row?.['value'] ?? 0);
}
