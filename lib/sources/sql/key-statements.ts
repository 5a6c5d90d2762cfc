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

/** Most keys that a statement collects in an array, which the database holds in its memory. */
const MOST_COLLECTED = 100_000;

/** Integers of one length; a `numeric` that is mapped to a bigint is not. */
const FIXED_LENGTH = /^(?:int(?:eger|[248])?|(?:big|small)int|(?:big|small)?serial)\b/i;

/**
 * The column whose keys are collected in an array, which takes two thirds of the time of a window: that of a single integer,
 * as an array of values of one length is read at a position at once. It returns the last row of the scan in any case. With
 * one row a batch a window returns each row once, the array twice.
 */
export function collectedColumn(
  { columns: [column, ...others] }: KeyQuery,
  { arrays }: SqlDialect,
  { batchSize, limit }: Pick<BoundaryPage, 'batchSize' | 'limit'>,
): SortColumn | undefined {
  const isCollected = arrays && others.length === 0 && batchSize > 1 && limit <= MOST_COLLECTED;
  return isCollected && column && FIXED_LENGTH.test(column.columnType) ? column : undefined;
}

/** Selects the first and last key of each batch as text, with their row numbers `rn`. */
export async function selectBoundaries(
  em: SqlManager,
  context: SourceContext,
  query: KeyQuery,
  scan: IndexRangeScan,
  dialect: SqlDialect,
  page: BoundaryPage,
): Promise<string> {
  const { batchSize, offset, limit, withLastRow } = page;
  const select = await selectOrderedKeys(em, context, query, scan, { reversed: false, limit });
  const collected = collectedColumn(query, dialect, page);
  if (collected) {
    return (
      `select rn, ${dialect.toText('keys[rn]', collected)} as k0 ` +
      `from (select array_agg(c0) as keys from (${select}) ordered) collected, ` +
      `generate_series(1, cardinality(keys), ${batchSize}) first_row, ` +
      `lateral (values (first_row), (least(first_row + ${batchSize - 1}, cardinality(keys)))) boundary(rn)`
    );
  }
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
