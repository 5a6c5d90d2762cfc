import type { EntityManager, EntityMetadata } from '@mikro-orm/core';
import { ConnectionCache } from '../../database/connection-cache.js';
import { quotedTable } from '../../database/table-name.js';
import { executeStatement } from '../../sources/sql/execute-statement.js';

/** Whether the rows of a table have the system column `xmin` of their own. */
const tables = new ConnectionCache<boolean>();

/** Metadata, with what MikroORM 7 adds. */
type Inheriting = EntityMetadata & { readonly inheritanceType?: string };

/**
 * The quoted name of the table of an entity, where PostgreSQL keeps the version of each of its rows in the system column
 * `xmin`; `null` for views and foreign tables, which have none.
 */
export async function versionedTable(em: EntityManager, meta: Inheriting): Promise<string | null> {
  // The row of such an entity is in several tables.
  if (meta.inheritanceType === 'tpt') {
    return null;
  }
  const name = quotedTable(em, meta);
  return (await tables.get(em, name, () => hasVersions(em, name))) ? name : null;
}

async function hasVersions(em: EntityManager, name: string): Promise<boolean> {
  const literal = em.getPlatform().quoteValue(name);
  const statement = `select relkind::text as kind from pg_class where oid = to_regclass(${literal})`;
  const [row] = await executeStatement(em, statement);
  return row?.['kind'] === 'r' || row?.['kind'] === 'p';
}
