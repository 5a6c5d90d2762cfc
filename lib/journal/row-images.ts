import type { EntityManager, EntityMetadata } from '@mikro-orm/core';
import { keysFilter } from '../database/keys-filter.js';
import { arrayLiteral, plainKeysOf } from '../database/plain-keys.js';
import { executeStatement } from '../sources/sql/execute-statement.js';
import { asSqlManager } from '../sources/sql/sql-manager.js';
import type { JournaledColumn, JournaledTable } from './journaled-table.js';
import { keyText } from './row-sql.js';

/**
 * The values of rows before a write, as PostgreSQL wrote them in JSON: objects with the key of the row as `key`, and its
 * columns in their order as `c0`, `c1` and so on. Nothing here reads it: it goes back to PostgreSQL.
 */
export type RowImages = string;

/** What selects rows of a table `e`: a condition in SQL. */
export type RowSelection = string;

/** Selects the rows of entities by their primary keys. */
export function selectEntities(
  em: EntityManager,
  meta: EntityMetadata,
  { keys: columns }: JournaledTable,
  entities: readonly object[],
): RowSelection {
  const plain = plainKeysOf(meta, entities);
  return plain
    ? `e.${em.getPlatform().quoteIdentifier(plain.column)} = any(${arrayLiteral(plain.values)})`
    : selectFiltered(em, meta, columns, keysFilter(meta, entities));
}

/** Selects the rows that match a filter of MikroORM. */
export function selectFiltered(
  em: EntityManager,
  meta: EntityMetadata,
  columns: readonly JournaledColumn[],
  where: object,
): RowSelection {
  const query = asSqlManager(em)
    ?.createQueryBuilder(meta.class, 's')
    .select([...meta.primaryKeys])
    .where(where)
    .getFormattedQuery();
  const quoted = columns.map((column) => `e.${column.quoted}`).join(', ');
  const selected = columns.map((column) => `k.${column.quoted}`).join(', ');
  return `(${quoted}) in (select ${selected} from (${query}) as k)`;
}

/** Reads and locks rows, in the order of their keys; `null`: there are none. */
export async function readImages(
  em: EntityManager,
  table: JournaledTable,
  selection: RowSelection,
): Promise<RowImages | null> {
  const values = table.columns.map(({ quoted }, at) => `e.${quoted}::text as c${at}`);
  const order = table.keys.map(({ quoted }) => `e.${quoted}`).join(', ');
  const [row] = await executeStatement(
    em,
    `select json_agg(r)::text as images from (select ${[`${keyText(table, 'e')} as key`, ...values].join(', ')} ` +
      `from ${table.name} as e where ${selection} order by ${order} for update) as r`,
  );
  const images: unknown = row?.['images'];
  return typeof images === 'string' ? images : null;
}
