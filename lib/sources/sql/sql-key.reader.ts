import type { EntityManager } from '@mikro-orm/core';
import type { RowTotal, SourceContext } from '../backfill-source.js';
import {
  type IndexSupport,
  type KeyBatch,
  type KeyQuery,
  type KeyReader,
  type KeyValues,
  type SortColumn,
  toBatches,
} from '../keys/key-reader.js';
import type { KeyProperty, UnsupportedReason } from '../keys/key-property.js';
import { compileSelect, quoteColumn } from './compile-select.js';
import { type IndexRangeScan, indexRangeScans } from './index-range-scans.js';
import { type SqlDialect, parseKeyText } from './sql-dialect.js';
import { type SqlManager, asSqlManager } from './sql-manager.js';

/** Rows to read to see whether the plan of an ordered query contains a sort. */
const PLANNED_ROWS = 1000;

/** Which rows of a range scan to number, and from which number on. */
interface BoundaryPage {
  readonly batchSize: number;
  /** Rows that earlier scans of the plan have read. */
  readonly offset: number;
  readonly limit: number;
  /** Whether to return the last row too. */
  readonly withLastRow: boolean;
}

/**
 * Reads keys with SQL: the database numbers the rows, and only the first and last key of each batch are
 * transferred. They are transferred as text, so that timestamps and numerics keep the column's precision.
 *
 * @internal
 */
export class SqlKeyReader implements KeyReader {
  readonly exactTimes = true;

  constructor(private readonly dialect: SqlDialect) {}

  get exactIntegers(): boolean {
    return this.dialect.exactIntegers;
  }

  unsupportedReason(column: KeyProperty): UnsupportedReason | undefined {
    return this.dialect.unsupportedReason?.(column);
  }

  normalize({ em }: SourceContext, column: SortColumn, value: unknown): unknown {
    return this.dialect.normalize ? this.dialect.normalize(em, column, value) : value;
  }

  async boundary(
    context: SourceContext,
    query: KeyQuery,
    end: 'first' | 'last',
  ): Promise<KeyValues | undefined> {
    const em = sqlManagerOf(context);
    const scans = this.rangeScans(context, query);
    for (const scan of end === 'first' ? scans : scans.toReversed()) {
      context.signal?.throwIfAborted();
      const keys = await orderedSelect(em, context, query, scan, { reversed: end === 'last', limit: 1 });
      const [row] = await em.execute(`select ${this.textColumns(query)} from (${keys}) boundary`);
      if (row) return this.parseRow(context, query, row);
    }
    return undefined;
  }

  async batches(
    context: SourceContext,
    query: KeyQuery,
    batchSize: number,
    limit: number,
  ): Promise<KeyBatch[]> {
    const em = sqlManagerOf(context);
    const maxRows = batchSize * limit;
    const keys = new Map<number, KeyValues>();
    let read = 0;
    const readScan = async (scan: IndexRangeScan, withLastRow: boolean) => {
      context.signal?.throwIfAborted();
      const page = { batchSize, offset: read, limit: maxRows - read, withLastRow };
      for (const row of await em.execute(await this.boundaryStatement(em, context, query, scan, page))) {
        const number = Number(row['rn']);
        keys.set(number, this.parseRow(context, query, row));
        read = Math.max(read, number);
      }
    };
    const scans = this.rangeScans(context, query);
    const [only] = scans;
    if (only && scans.length === 1) {
      // Returning the last row too makes the statement half as slow again. It is needed only at the end of the
      // interval, where the last batch may be incomplete.
      await readScan(only, false);
      if (read === maxRows || read === 0) return toBatches(keys, read, batchSize);
      read = 0;
      keys.clear();
    }
    for (const scan of scans) {
      if (read >= maxRows) break;
      await readScan(scan, true);
    }
    return toBatches(keys, read, batchSize);
  }

  async total(context: SourceContext, query: KeyQuery): Promise<RowTotal> {
    const em = sqlManagerOf(context);
    const statements = await Promise.all(
      this.rangeScans(context, query).map(({ condition }) =>
        compileSelect(em, { ...query, expressions: expressionsOf(context, query), condition }),
      ),
    );
    const estimate = await this.dialect.estimateRows?.(em, statements);
    if (estimate) return estimate;
    let rows = 0;
    for (const statement of statements) {
      context.signal?.throwIfAborted();
      const [row] = await em.execute(`select count(*) as n from (${statement}) counted`);
      rows += Number(row?.['n'] ?? 0);
    }
    return { rows, exact: true };
  }

  async indexSupport(context: SourceContext, query: KeyQuery): Promise<IndexSupport> {
    const [scan] = this.rangeScans(context, { ...query, interval: {} });
    if (!scan || !this.dialect.requiresSort) return 'unknown';
    const page = { reversed: false, limit: PLANNED_ROWS };
    const statement = await orderedSelect(sqlManagerOf(context), context, query, scan, page);
    return (await this.dialect.requiresSort(context.em, statement)) ? 'not-indexed' : 'indexed';
  }

  /** The statement that returns the first and last row of each batch in a scan, with their row numbers `rn`. */
  private async boundaryStatement(
    em: SqlManager,
    context: SourceContext,
    query: KeyQuery,
    scan: IndexRangeScan,
    { batchSize, offset, limit, withLastRow }: BoundaryPage,
  ): Promise<string> {
    const select = await orderedSelect(em, context, query, scan, { reversed: false, limit });
    const keys = query.columns.map((_, i) => `c${i}`).join(', ');
    const order = scan.ordering.map((i) => `c${i} ${query.columns[i]?.direction}`).join(', ');
    // MariaDB requires an ORDER BY in the window, even if all rows have the same key.
    const window = `order by ${order === '' ? 'c0' : order}`;
    return (
      `select rn, ${this.textColumns(query)} from (` +
      `select ${keys}, ${offset} + row_number() over w as rn` +
      `${withLastRow ? ', lead(1) over w as next_row' : ''} ` +
      `from (${select}) ordered window w as (${window})) boundary ` +
      `where rn % ${batchSize} <= 1${withLastRow ? ' or next_row is null' : ''}`
    );
  }

  private rangeScans({ em }: SourceContext, { columns, interval }: KeyQuery): IndexRangeScan[] {
    const quote = (column: string) => quoteColumn(em, column);
    return indexRangeScans(columns, interval, quote, this.dialect.rowValueComparisons);
  }

  private textColumns({ columns }: KeyQuery): string {
    return columns.map((column, i) => `${this.dialect.toText(`c${i}`, column)} as k${i}`).join(', ');
  }

  private parseRow(
    { em }: SourceContext,
    { columns }: KeyQuery,
    row: Readonly<Record<string, unknown>>,
  ): KeyValues {
    return columns.map((column, i) => parseKeyText(this.dialect, em, column, String(row[`k${i}`])));
  }
}

/** Selects the keys of a range scan as `c0`, `c1`, …, in the source's order or in reverse. */
async function orderedSelect(
  em: SqlManager,
  context: SourceContext,
  query: KeyQuery,
  { condition, ordering }: IndexRangeScan,
  { reversed, limit }: { reversed: boolean; limit: number },
): Promise<string> {
  const select = await compileSelect(em, { ...query, expressions: expressionsOf(context, query), condition });
  const order = ordering
    .map((i) => query.columns[i])
    .flatMap((column) =>
      column ? [`${quoteColumn(context.em, column.column)} ${directionOf(column, reversed)}`] : [],
    );
  return `${select}${order.length === 0 ? '' : ` order by ${order.join(', ')}`} limit ${limit}`;
}

function directionOf({ direction }: SortColumn, reversed: boolean): 'asc' | 'desc' {
  return (direction === 'asc') === reversed ? 'desc' : 'asc';
}

function expressionsOf({ em }: SourceContext, { columns }: KeyQuery): string[] {
  return columns.map(({ column }, i) => `${quoteColumn(em, column)} as c${i}`);
}

function sqlManagerOf({ em }: { em: EntityManager }): SqlManager {
  const manager = asSqlManager(em);
  if (!manager) throw new TypeError('Expected an entity manager of an SQL database');
  return manager;
}
