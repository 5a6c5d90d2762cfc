import { helper, LockMode, raw } from '@mikro-orm/core';
import type { EntityManager, EntityMetadata } from '@mikro-orm/core';
import { executeStatement } from '../../sources/sql/execute-statement.js';
import { asSqlManager } from '../../sources/sql/sql-manager.js';
import type { SqlManager } from '../../sources/sql/sql-manager.js';
import { OLDEST_RUNNING, rememberSnapshot } from './database-snapshot.js';
import type { DatabaseSnapshot } from './database-snapshot.js';
import { keysFilter } from '../../database/keys-filter.js';
import { plainKeysOf } from '../../database/plain-keys.js';
import { lockKeys } from './lock-keys.js';
import { versionedTable } from './row-versions.js';

/**
 * Locks rows of PostgreSQL that nobody else has locked. Answers the entities whose values have to be read again: all but
 * those whose rows were written by transactions that the snapshot includes.
 */
export async function lockUnchanged(
  em: EntityManager,
  meta: EntityMetadata,
  entities: readonly object[],
  snapshot: DatabaseSnapshot,
): Promise<readonly object[]> {
  const manager = asSqlManager(em);
  const table = await versionedTable(em, meta);
  if (!manager || table === null) {
    return entities;
  }
  const keys = plainKeysOf(meta, entities);
  return keys
    ? lockKeys(em, { ...keys, table, entities, snapshot })
    : lockEntities(em, manager, meta, entities, snapshot);
}

/** As `lockKeys`, for keys that MikroORM has to convert: a statement that takes it longer to build and to read. */
async function lockEntities(
  em: EntityManager,
  manager: SqlManager,
  meta: EntityMetadata,
  entities: readonly object[],
  snapshot: DatabaseSnapshot,
): Promise<readonly object[]> {
  const statement = manager
    .createQueryBuilder(meta.class, 'e')
    .select([...meta.primaryKeys, raw(`"e".xmin::text as "xmin", ${OLDEST_RUNNING} as "oldest"`)])
    .where(keysFilter(meta, entities))
    // In the order of the keys: transactions that lock rows in the same order do not deadlock.
    .orderBy(Object.fromEntries(meta.primaryKeys.map((name) => [name, 'asc'])))
    .setLockMode(LockMode.PESSIMISTIC_PARTIAL_WRITE)
    .getFormattedQuery();
  const at = performance.now();
  const rows = await executeStatement(em, statement);
  if (rows[0]) {
    rememberSnapshot(em, rows[0]['oldest'], at);
  }
  const columns = meta.primaryKeys.flatMap((name) => meta.properties[name]?.fieldNames ?? []);
  const unchanged = new Set(
    rows.flatMap((row) =>
      snapshot.includes(Number(row['xmin'])) ? [textOf(columns.map((name) => row[name]))] : [],
    ),
  );
  return entities.filter((entity) => !unchanged.has(textOf(helper(entity).getPrimaryKeys(true) ?? [])));
}

/** A primary key as text, of values as the driver or the entity has them. */
function textOf(values: readonly unknown[]): string {
  return JSON.stringify(
    values.map((value) => (Buffer.isBuffer(value) ? value.toString('hex') : String(value))),
  );
}
