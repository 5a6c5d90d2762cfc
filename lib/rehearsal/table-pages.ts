import type { EntityManager, EntityMetadata } from '@mikro-orm/core';
import { quotedTable } from '../database/table-name.js';
import { executeStatement } from '../sources/sql/execute-statement.js';
import { keyColumns } from './raw-row.reader.js';
import type { EntityRows } from './raw-row.reader.js';

/** Pages of the B-tree indexes of tables on PostgreSQL: each split of a page adds one. */
export async function treePages(em: EntityManager, groups: readonly EntityRows[]): Promise<number> {
  const tables = groups.map(({ meta }) => em.getPlatform().quoteValue(quotedTable(em, meta)));
  if (tables.length === 0) {
    return 0;
  }
  const [row] = await executeStatement(
    em,
    `select coalesce(sum(pg_relation_size(c.oid)), 0)::float8 / current_setting('block_size')::int as pages
       from pg_index i join pg_class c on c.oid = i.indexrelid join pg_am m on m.oid = c.relam
      where m.amname = 'btree' and i.indrelid in (${tables.map((table) => `to_regclass(${table})`).join(', ')})`,
  );
  return Number(row?.['pages'] ?? 0);
}

export async function readPageBytes(em: EntityManager): Promise<number> {
  const [row] = await executeStatement(em, `select current_setting('block_size')::int as bytes`);
  return Number(row?.['bytes']);
}

/** Whether an index has one of the columns, or an expression, which may have any. */
export async function changesIndex(
  em: EntityManager,
  meta: EntityMetadata,
  columns: readonly string[],
): Promise<boolean> {
  const literal = (text: string) => em.getPlatform().quoteValue(text);
  const [row] = await executeStatement(
    em,
    `select exists (
       select 1 from pg_index i left join pg_attribute a on a.attrelid = i.indrelid and a.attnum = any(i.indkey::int2[])
        where i.indrelid = to_regclass(${literal(quotedTable(em, meta))})
          and (i.indexprs is not null or i.indpred is not null or a.attname in (${columns.map(literal).join(', ')}))
     ) as changes`,
  );
  return row?.['changes'] === true;
}

/** Pages of the tables that have the rows; 0 where they are no tables of PostgreSQL's own. */
export async function heapPages(em: EntityManager, groups: readonly EntityRows[]): Promise<number> {
  let pages = 0;
  for (const { meta, entities } of groups) {
    const [name] = keyColumns(meta);
    const table = quotedTable(em, meta);
    const literal = (value: string) => em.getPlatform().quoteValue(value);
    const keys = entities.map((entity) => keyText(entity, meta.primaryKeys[0]));
    if (keyColumns(meta).length > 1 || name === undefined || keys.includes(null)) {
      continue;
    }
    const list = keys.map((key) => literal(key ?? '')).join(', ');
    const [relation] = await executeStatement(
      em,
      `select relkind::text as kind from pg_class where oid = to_regclass(${literal(table)})`,
    );
    if (relation?.['kind'] === 'r') {
      const [row] = await executeStatement(
        em,
        `select count(distinct (ctid::text::point)[0])::int as pages from ${table} ` +
          `where ${em.getPlatform().quoteIdentifier(name)} in (${list})`,
      );
      pages += Number(row?.['pages'] ?? 0);
    }
  }
  return pages;
}

/** A key as the text of a literal; `null` where it is neither text nor a number. */
function keyText(entity: object, property: string | undefined): string | null {
  const value: unknown = property === undefined ? null : Reflect.get(entity, property);
  return typeof value === 'string' || typeof value === 'number' || typeof value === 'bigint'
    ? String(value)
    : null;
}
