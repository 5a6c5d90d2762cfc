import type { EntityManager, EntityMetadata } from '@mikro-orm/core';
import { executeStatement } from '../../sources/sql/execute-statement.js';

/**
 * Locks a database of SQLite for the transaction of the entity manager: a transaction that reads before it writes fails,
 * instead of waiting, where another process writes in between.
 */
export async function lockDatabase(
  em: EntityManager,
  { tableName, primaryKeys, properties }: EntityMetadata,
): Promise<void> {
  const platform = em.getPlatform();
  const column = platform.quoteIdentifier(properties[primaryKeys[0] ?? '']?.fieldNames[0] ?? '');
  const table = platform.quoteIdentifier(tableName);
  await executeStatement(em, `update ${table} set ${column} = ${column} where 1 = 0`, 'run');
}
