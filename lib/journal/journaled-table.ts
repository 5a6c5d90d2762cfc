import type { EntityManager, EntityMetadata } from '@mikro-orm/core';
import { ConnectionCache } from '../database/connection-cache.js';
import { quotedTable } from '../database/table-name.js';
import { NonRetryableError } from '../errors/handler.errors.js';
import { executeStatement } from '../sources/sql/execute-statement.js';
import { updateTriggersOf } from './update-triggers.js';
import type { UpdateTriggers } from './update-triggers.js';

/** A column of a table whose rows are journaled. */
export interface JournaledColumn {
  readonly name: string;
  readonly quoted: string;
  /** As PostgreSQL writes it, with its modifiers. */
  readonly type: string;
}

/** A table whose rows are journaled. */
export interface JournaledTable {
  /** Quoted, with its schema where it has one. */
  readonly name: string;
  readonly keys: readonly JournaledColumn[];
  /** All columns that can be written; those that PostgreSQL generates are none. */
  readonly columns: readonly JournaledColumn[];
  readonly updateTriggers: UpdateTriggers;
}

const tables = new ConnectionCache<JournaledTable>();

/** Metadata, with what MikroORM 7 adds. */
type Inheriting = EntityMetadata & { readonly inheritanceType?: string };

/**
 * The table of an entity.
 *
 * @throws NonRetryableError where the row of the entity is in several tables, or in none
 */
export async function journaledTableOf(em: EntityManager, meta: Inheriting): Promise<JournaledTable> {
  const name = quotedTable(em, meta);
  if (meta.inheritanceType === 'tpt' || meta.virtual) {
    throw new NonRetryableError(
      `The option undo cannot journal ${meta.className}: its row is not in one table of its own. Leave out undo, or write ` +
        'with a range handler and ctx.journal on an entity of each table.',
    );
  }
  return readTable(em, name);
}

/**
 * A table by its quoted name.
 *
 * @throws NonRetryableError where it is not there, or has no primary key
 */
export async function readTable(em: EntityManager, name: string): Promise<JournaledTable> {
  return tables.get(em, name, () => queryTable(em, name));
}

/** Runs statements on tables that are read again after an error: a migration may have changed their columns. */
export async function withTables<T>(em: EntityManager, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    forgetTables(em);
    throw error;
  }
}

/** Has tables read again: a migration may have changed them. */
export function forgetTables(em: EntityManager): void {
  tables.forget(em);
}

async function queryTable(em: EntityManager, name: string): Promise<JournaledTable> {
  const platform = em.getPlatform();
  const oid = `to_regclass(${platform.quoteValue(name)})`;
  const rows = await executeStatement(
    em,
    'select a.attname::text as name, format_type(a.atttypid, a.atttypmod) as type, ' +
      `a.attgenerated <> '' as generated, array_position(i.indkey::int2[], a.attnum) as key, ` +
      `${updateTriggersOf(em, name)} as triggers, ` +
      `(select nspname::text from pg_namespace n join pg_class c on c.relnamespace = n.oid where c.oid = ${oid}) as schema, ` +
      `(select relname::text from pg_class where oid = ${oid}) as "table" ` +
      'from pg_attribute a left join pg_index i on i.indrelid = a.attrelid and i.indisprimary ' +
      `where a.attrelid = ${oid} and a.attnum > 0 and not a.attisdropped order by a.attnum`,
  );
  const columns = rows.map((row) => ({
    name: String(row['name']),
    quoted: platform.quoteIdentifier(String(row['name'])),
    type: String(row['type']),
    generated: row['generated'] === true,
    key: row['key'] === null ? null : Number(row['key']),
  }));
  const keys = columns.filter(({ key }) => key !== null).toSorted((a, b) => Number(a.key) - Number(b.key));
  if (keys.length === 0) {
    throw new NonRetryableError(
      `The option undo needs the primary key of each row that the handler changes, and ${name} ` +
        `${columns.length === 0 ? 'is not there' : 'has none'}. Add a primary key, or leave out undo.`,
    );
  }
  // The journal names the schema, so that an undo finds the table whatever the `search_path` is then.
  const qualified = [rows[0]?.['schema'], rows[0]?.['table']].map((part) =>
    platform.quoteIdentifier(String(part)),
  );
  return {
    name: qualified.join('.'),
    keys,
    columns: columns.filter(({ generated }) => !generated),
    updateTriggers: rows[0]?.['triggers'] as UpdateTriggers,
  };
}
