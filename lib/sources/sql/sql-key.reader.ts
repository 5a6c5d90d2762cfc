import type { EntityManager } from '@mikro-orm/core';
import type { RowTotal, SourceContext } from '../backfill-source.js';
import {
  type IndexSupport,
  type KeyQuery,
  type KeyReader,
  type KeyValues,
  toBatches,
  type SortColumn,
} from '../keys/key-reader.js';
import type { KeyProperty, UnsupportedReason } from '../keys/key-property.js';
import { type SqlManager, asSqlManager } from './sql-manager.js';
import { compileSelect, quoteColumn } from './compile-select.js';
import { type IndexRangeScan, indexRangeScans } from './index-range-scans.js';
import { type SqlDialect, parseKeyText } from './sql-dialect.js';

/**
 * Reads boundaries through the index and sends only them over the wire, as text: whatever precision the
 * column has goes back to it unchanged.
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
      const inner = await orderedSelect(em, context, query, scan, { reversed: end === 'last', limit: 1 });
      const [row] = await em.execute(`select ${this.textColumns(query)} from (${inner}) boundary`);
      if (row) return this.parseRow(context, query, row);
    }
    return undefined;
  }

  async batches(context: SourceContext, query: KeyQuery, batchSize: number, limit: number) {
    const em = sqlManagerOf(context);
    const wanted = batchSize * limit;
    const rows = new Map<number, KeyValues>();
    let read = 0;
    const readScan = async (scan: IndexRangeScan, last: boolean) => {
      context.signal?.throwIfAborted();
      const cut = { batchSize, before: read, limit: wanted - read, last };
      for (const row of await em.execute(await this.boundaryStatement(em, context, query, scan, cut))) {
        const number = Number(row['rn']);
        rows.set(number, this.parseRow(context, query, row));
        read = Math.max(read, number);
      }
    };
    const scans = this.rangeScans(context, query);
    const [only] = scans;
    if (only && scans.length === 1) {
      // To ask for its last row as well costs half as much again, and there is none to ask for before the end.
      await readScan(only, false);
      if (read === wanted || read === 0) return toBatches(rows, read, batchSize);
      read = 0;
      rows.clear();
    }
    for (const scan of scans) {
      if (read >= wanted) break;
      await readScan(scan, true);
    }
    return toBatches(rows, read, batchSize);
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
    const statement = await orderedSelect(sqlManagerOf(context), context, query, scan, {
      reversed: false,
      limit: 1000,
    });
    return (await this.dialect.requiresSort(context.em, statement)) ? 'not-indexed' : 'indexed';
  }

  /**
   * The statement that reads a cycle's boundaries, its last row among them if asked for; on its own so that its
   * plan can be looked at.
   */
  async boundaryStatement(
    em: SqlManager,
    context: SourceContext,
    query: KeyQuery,
    scan: IndexRangeScan,
    { batchSize, before, limit, last }: { batchSize: number; before: number; limit: number; last: boolean },
  ): Promise<string> {
    const inner = await orderedSelect(em, context, query, scan, { reversed: false, limit });
    const keys = query.columns.map((_, i) => `c${i}`).join(', ');
    const order = scan.ordering.map((i) => `c${i} ${query.columns[i]?.direction}`).join(', ');
    // MariaDB wants an order even for what is all the same.
    const window = `order by ${order === '' ? 'c0' : order}`;
    return (
      `select rn, ${this.textColumns(query)} from (` +
      `select ${keys}, ${before} + row_number() over w as rn${last ? ', lead(1) over w as following' : ''} ` +
      `from (${inner}) walk window w as (${window})) boundary ` +
      `where rn % ${batchSize} <= 1${last ? ' or following is null' : ''}`
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

/** The keys of one stretch, in the order of the walk or against it. */
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
      column ? [`${quoteColumn(context.em, column.column)} ${directionOf(column.direction, reversed)}`] : [],
    );
  return `${select}${order.length === 0 ? '' : ` order by ${order.join(', ')}`} limit ${limit}`;
}

function directionOf(direction: 'asc' | 'desc', reversed: boolean): 'asc' | 'desc' {
  return (direction === 'asc') === reversed ? 'desc' : 'asc';
}

function expressionsOf({ em }: SourceContext, { columns }: KeyQuery): string[] {
  return columns.map(({ column }, i) => `${quoteColumn(em, column)} as c${i}`);
}

function sqlManagerOf({ em }: { em: EntityManager }): SqlManager {
  const manager = asSqlManager(em);
  if (!manager) throw new TypeError('Expected an entity manager that speaks SQL');
  return manager;
}
