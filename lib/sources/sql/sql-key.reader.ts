import type { EntityManager } from '@mikro-orm/core';
import type { RowTotal, SourceContext } from '../backfill-source.js';
import {
  type IndexSupport,
  type KeyBatch,
  type KeyQuery,
  type KeyReader,
  type KeyValues,
  type SortColumn,
  type UndeclaredValue,
  toBatches,
} from '../keys/key-reader.js';
import type { KeyProperty, UnsupportedReason } from '../keys/key-property.js';
import { nullKeyError } from '../keys/check-key-values.js';
import { compileSelect, quoteColumn } from './compile-select.js';
import { type IndexRangeScan, indexRangeScans } from './index-range-scans.js';
import {
  type BoundaryPage,
  collectedColumn,
  selectBoundaries,
  selectKeys,
  selectOrderedKeys,
  textColumns,
} from './key-statements.js';
import { type SqlDialect, parseKeyText } from './sql-dialect.js';
import { type SqlManager, asSqlManager } from './sql-manager.js';

/** Rows to read to see whether the plan of an ordered query contains a sort. */
const PLANNED_ROWS = 1000;

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
      const page = { reversed: end === 'last', limit: 1 };
      const keys = await selectOrderedKeys(em, context, query, scan, page);
      const [row] = await em.execute(`select ${textColumns(query, this.dialect)} from (${keys}) boundary`);
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
      const page: BoundaryPage = { batchSize, offset: read, limit: maxRows - read, withLastRow };
      const statement = await selectBoundaries(em, context, query, scan, this.dialect, page);
      for (const row of await em.execute(statement)) {
        const number = Number(row['rn']);
        keys.set(number, this.parseRow(context, query, row));
        read = Math.max(read, number);
      }
    };
    const scans = this.rangeScans(context, query);
    const [only] = scans;
    if (only && scans.length === 1) {
      // With a window, returning the last row too takes about 1.5 times as long. It is needed only at the end
      // of the interval, where the last batch may be incomplete.
      await readScan(only, false);
      const collected = collectedColumn(query, this.dialect, { batchSize, limit: maxRows });
      if (collected || read === maxRows || read === 0) return toBatches(keys, read, batchSize);
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
      this.rangeScans(context, query).map((scan) => selectKeys(em, context, query, scan)),
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

  async hasValue(
    context: SourceContext,
    query: KeyQuery,
    column: KeyProperty,
    value: UndeclaredValue,
  ): Promise<boolean> {
    if (value === 'other-type' || (await this.isExcludedByTable(context, query, column, value))) return false;
    const em = sqlManagerOf(context);
    const quoted = quoteColumn(context.em, column.column);
    const condition = {
      sql:
        value === 'null'
          ? `${quoted} is null`
          : `(${quoted} > ${Number.MAX_SAFE_INTEGER} or ${quoted} < ${-Number.MAX_SAFE_INTEGER})`,
      values: [],
    };
    const statement = await compileSelect(em, { ...query, expressions: ['1 as found'], condition });
    return (await em.execute(`${statement} limit 1`)).length > 0;
  }

  async indexSupport(context: SourceContext, query: KeyQuery): Promise<IndexSupport> {
    const [scan] = this.rangeScans(context, { ...query, interval: {} });
    if (!scan || !this.dialect.requiresSort) return 'unknown';
    const page = { reversed: false, limit: PLANNED_ROWS };
    const statement = await selectOrderedKeys(sqlManagerOf(context), context, query, scan, page);
    return (await this.dialect.requiresSort(context.em, statement)) ? 'not-indexed' : 'indexed';
  }

  /** Reads the table's definition first: without an index on the column, looking for a value reads all rows. */
  private async isExcludedByTable(
    { em }: SourceContext,
    { scope }: KeyQuery,
    { column }: KeyProperty,
    value: UndeclaredValue,
  ): Promise<boolean> {
    const definition = this.dialect.selectColumn?.(em, scope.table(em), column);
    if (definition === undefined) return false;
    const [row] = await sqlManagerOf({ em }).execute(definition);
    if (!row) return false;
    return value === 'null'
      ? Number(row['not_null']) === 1
      : /^(?:tinyint|smallint|mediumint|int|integer)$/i.test(String(row['type']));
  }

  private rangeScans({ em }: SourceContext, { columns, interval }: KeyQuery): IndexRangeScan[] {
    const quote = (column: string) => quoteColumn(em, column);
    return indexRangeScans(columns, interval, quote, this.dialect.rowValueComparisons);
  }

  /** @throws BackfillSourceError if a column has become null during the run. */
  private parseRow(
    context: SourceContext,
    { scope, columns }: KeyQuery,
    row: Readonly<Record<string, unknown>>,
  ): KeyValues {
    return columns.map((column, i) => {
      const text = row[`k${i}`] as string | number | null | undefined;
      if (text === undefined || text === null) throw nullKeyError(scope, context, column);
      return parseKeyText(this.dialect, context.em, column, String(text));
    });
  }
}

function sqlManagerOf({ em }: { em: EntityManager }): SqlManager {
  const manager = asSqlManager(em);
  if (!manager) throw new TypeError('Expected an entity manager of an SQL database');
  return manager;
}
