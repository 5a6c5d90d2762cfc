import type { EntityManager, EntityMetadata } from '@mikro-orm/core';
import { quotedTable } from '../database/table-name.js';
import type { MeasuredTable } from '../forecast/measurement.js';
import { executeStatement } from '../sources/sql/execute-statement.js';

/** The order of an index is about that of the rows where the statistics say so by more than this. */
const CORRELATED = 0.9;

/**
 * Reads sizes of a table and its indexes from PostgreSQL. `null` where it is no table of its own, such as a view. A table
 * that was never analyzed has no statistics: its sizes are read, and its primary key is taken for one that the rows follow.
 */
export async function readTableStatistics(
  em: EntityManager,
  meta: EntityMetadata,
  rowsTotal: number,
): Promise<MeasuredTable | null> {
  const literal = em.getPlatform().quoteValue(quotedTable(em, meta));
  const [table] = await executeStatement(
    em,
    `select c.reltuples::float8 as rows, pg_relation_size(c.oid)::float8 as bytes,
            current_setting('block_size')::int as page, current_setting('full_page_writes')::bool as logs_pages,
            (extract(epoch from current_setting('checkpoint_timeout')::interval) * 1000)::float8 as checkpoint
       from pg_class c where c.oid = to_regclass(${literal}) and c.relkind = 'r'`,
  );
  if (!table) {
    return null;
  }
  const indexes = await executeStatement(
    em,
    `select pg_relation_size(i.indexrelid)::float8 as bytes, i.indisprimary as is_primary,
            (select m.amname::text from pg_class x join pg_am m on m.oid = x.relam where x.oid = i.indexrelid) as method,
            (select abs(s.correlation)::float8 from pg_attribute a join pg_stats s
               on s.attname = a.attname and s.schemaname = n.nspname and s.tablename = c.relname
              where a.attrelid = c.oid and a.attnum = i.indkey[0]) as correlation
       from pg_index i join pg_class c on c.oid = i.indrelid join pg_namespace n on n.oid = c.relnamespace
      where i.indrelid = to_regclass(${literal}) and i.indisvalid`,
  );
  const [pageBytes, bytes] = [Number(table['page']), Number(table['bytes'])];
  const rows = Number(table['rows']) > 0 ? Number(table['rows']) : rowsTotal;
  return {
    pageBytes,
    rowBytes: rows > 0 ? bytes / rows : 0,
    pages: Math.ceil(bytes / pageBytes),
    rows,
    checkpointMs: Number(table['checkpoint']),
    logsPages: table['logs_pages'] === true,
    indexes: indexes.map((index) => ({
      bytes: Number(index['bytes']),
      pages: Math.ceil(Number(index['bytes']) / pageBytes),
      isCorrelated:
        index['correlation'] === null
          ? index['is_primary'] === true
          : Number(index['correlation']) > CORRELATED,
      method: String(index['method']),
    })),
  };
}
