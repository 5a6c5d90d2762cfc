import { helper, LockMode, raw } from '@mikro-orm/core';
import type { EntityManager, EntityMetadata } from '@mikro-orm/core';
import { executeStatement } from '../../sources/sql/execute-statement.js';
import { asSqlManager } from '../../sources/sql/sql-manager.js';
import { OLDEST_RUNNING, rememberSnapshot } from './database-snapshot.js';
import type { DatabaseSnapshot } from './database-snapshot.js';
import { keysFilter } from './read-rows.js';

/** Tables whose rows have the system column `xmin` of their own, by connection: views and foreign tables have not. */
const tables = new WeakMap<object, Map<string, boolean>>();

/**
 * Locks rows of PostgreSQL that nobody else has locked. Answers the entities of those that were not written after the
 * snapshot, by the transaction that wrote them: their values need not be read again.
 */
export async function lockUnchanged(
  em: EntityManager,
  meta: EntityMetadata,
  entities: readonly object[],
  snapshot: DatabaseSnapshot,
): Promise<ReadonlySet<object>> {
  const manager = asSqlManager(em);
  if (!manager || !(await hasXmin(em, meta))) {
    return new Set();
  }
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
  return new Set(
    entities.filter((entity) => unchanged.has(textOf(helper(entity).getPrimaryKeys(true) ?? []))),
  );
}

async function hasXmin(
  em: EntityManager,
  { schema, tableName, inheritanceType }: Inheriting,
): Promise<boolean> {
  // The row of such an entity is in several tables.
  if (inheritanceType === 'tpt') {
    return false;
  }
  const connection = em.getConnection('write');
  const known = tables.get(connection) ?? new Map<string, boolean>();
  tables.set(connection, known);
  const platform = em.getPlatform();
  const schemaName = schema === '*' ? em.schema : (em.schema ?? schema);
  const name = [schemaName, tableName]
    .flatMap((part) => (part ? [platform.quoteIdentifier(part)] : []))
    .join('.');
  const found = known.get(name);
  if (found !== undefined) {
    return found;
  }
  const statement = `select relkind::text as kind from pg_class where oid = to_regclass(${platform.quoteValue(name)})`;
  const [row] = await executeStatement(em, statement);
  const has = row?.['kind'] === 'r' || row?.['kind'] === 'p';
  known.set(name, has);
  return has;
}

/** Metadata, with what MikroORM 7 adds. */
type Inheriting = EntityMetadata & { readonly inheritanceType?: string };

/** A primary key as text, of values as the driver or the entity has them. */
function textOf(values: readonly unknown[]): string {
  return JSON.stringify(
    values.map((value) => (Buffer.isBuffer(value) ? value.toString('hex') : String(value))),
  );
}
