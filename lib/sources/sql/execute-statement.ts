import type { EntityManager } from '@mikro-orm/core';

/** The method that the connections of SQL drivers have in MikroORM 6 and 7. */
interface SqlConnection {
  execute(
    sql: string,
    params: readonly unknown[],
    method: 'all' | 'run',
    transaction: unknown,
  ): Promise<Record<string, unknown>[]>;
}

/**
 * Executes a statement of the library, in the transaction of the entity manager where it has one. It uses the
 * connection and not `em.execute`, which counts as a write of the handler in tests.
 *
 * @param method `all` for a statement that answers rows
 * @internal
 */
export async function executeStatement(
  em: EntityManager,
  sql: string,
  method: 'all' | 'run' = 'all',
): Promise<Record<string, unknown>[]> {
  const connection = em.getConnection('write') as unknown as SqlConnection;
  return connection.execute(sql, [], method, em.getTransactionContext());
}
