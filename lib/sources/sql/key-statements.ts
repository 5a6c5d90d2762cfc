import type { SourceContext } from '../backfill-source.js';
import type { KeyQuery, SortColumn } from '../keys/key-reader.js';
import { compileSelect, quoteColumn } from './compile-select.js';
import type { IndexRangeScan } from './index-range-scans.js';
import type { SqlDialect } from './sql-dialect.js';
import type { SqlManager } from './sql-manager.js';

/** Which rows of a range scan to number, and from which number on. */
export interface BoundaryPage {
  readonly batchSize: number;
  /** Rows that earlier range scans of the plan have read. */
  readonly offset: number;
  readonly limit: number;
  /** Whether to return the last row of the scan too. */
  readonly withLastRow: boolean;
}

/** Selects the keys of a range scan as `c0`, `c1`, …, in no particular order. */
export async function selectKeys(
  em: SqlManager,
  context: SourceContext,
  query: KeyQuery,
  { condition }: IndexRangeScan,
): Promise<string> {
  const expressions = query.columns.map(({ column }, i) => `${quoteColumn(context.em, column)} as c${i}`);
  return compileSelect(em, { ...query, expressions, condition });
}

/** Selects the keys of a range scan in the source's order, or in reverse. */
export async function selectOrderedKeys(
  em: SqlManager,
  context: SourceContext,
  query: KeyQuery,
  scan: IndexRangeScan,
  { reversed, limit }: { reversed: boolean; limit: number },
): Promise<string> {
  const select = await selectKeys(em, context, query, scan);
  const order = scan.ordering
    .map((i) => query.columns[i])
    .flatMap((column) =>
      column ? [`${quoteColumn(context.em, column.column)} ${directionOf(column, reversed)}`] : [],
    );
  return `${select}${order.length === 0 ? '' : ` order by ${order.join(', ')}`} limit ${limit}`;
}

/** Selects the first and last key of each batch as text, with their row numbers `rn`. */
export async function selectBoundaries(
  em: SqlManager,
  context: SourceContext,
  query: KeyQuery,
  scan: IndexRangeScan,
  dialect: SqlDialect,
  { batchSize, offset, limit, withLastRow }: BoundaryPage,
): Promise<string> {
  const select = await selectOrderedKeys(em, context, query, scan, { reversed: false, limit });
  const keys = query.columns.map((_, i) => `c${i}`).join(', ');
  const order = scan.ordering.map((i) => `c${i} ${query.columns[i]?.direction}`).join(', ');
  // MariaDB requires an ORDER BY in the window, even if all rows have the same key.
  const window = `order by ${order === '' ? 'c0' : order}`;
  return (
    `select rn, ${textColumns(query, dialect)} from (` +
    `select ${keys}, ${offset} + row_number() over w as rn` +
    `${withLastRow ? ', lead(1) over w as next_row' : ''} ` +
    `from (${select}) ordered window w as (${window})) boundary ` +
    `where rn % ${batchSize} <= 1${withLastRow ? ' or next_row is null' : ''}`
  );
}

/** The keys `c0`, `c1`, … as text, named `k0`, `k1`, …. */
export function textColumns({ columns }: KeyQuery, dialect: SqlDialect): string {
  return columns.map((column, i) => `${dialect.toText(`c${i}`, column)} as k${i}`).join(', ');
}

function directionOf({ direction }: SortColumn, reversed: boolean): 'asc' | 'desc' {
  return (direction === 'asc') === reversed ? 'desc' : 'asc';
}
