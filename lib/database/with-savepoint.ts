import type { EntityManager } from '@mikro-orm/core';

/** `execute` of the entity managers of SQL drivers. */
interface SqlExecutor {
  execute(sql: string): Promise<unknown>;
}

/**
 * Runs work within a savepoint of the open transaction: on PostgreSQL a statement that fails aborts the transaction, and
 * every statement after it would fail, too. A database without savepoints runs the work alone.
 */
export async function withSavepoint<Result>(
  em: EntityManager,
  work: () => Promise<Result> | Result,
): Promise<Result> {
  const sql = em as unknown as Partial<SqlExecutor>;
  if (typeof sql.execute !== 'function') {
    return work();
  }
  const execute = (statement: string) => (sql as SqlExecutor).execute(statement);
  await execute('savepoint backfill_row');
  let result: Result;
  try {
    result = await work();
  } catch (error) {
    await execute('rollback to savepoint backfill_row');
    throw error;
  }
  try {
    await execute('release savepoint backfill_row');
  } catch {
    // The work caught the error of a statement, after which PostgreSQL accepts nothing but this.
    await execute('rollback to savepoint backfill_row');
  }
  return result;
}
