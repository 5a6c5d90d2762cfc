import type { EntityManager } from '@mikro-orm/core';
import type { RowTotal, SourceContext } from '../backfill-source.js';
import {
  type KeyQuery,
  type KeyReader,
  type KeyValues,
  pairBatches,
  type WalkColumn,
} from '../keys/key-reader.js';
import type { KeyProperty, KeyRefusal } from '../keys/key-property.js';
import { type SqlManager, sqlOf } from './sql-manager.js';
import { compileSelect, quotedColumn } from './compile-select.js';
import { type SqlStretch, sqlStretches } from './sql-range-scans.js';
import { type SqlDialect, valueOfText } from './sql-dialect.js';

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

  refuse(column: KeyProperty): KeyRefusal | undefined {
    return this.dialect.refuse?.(column);
  }

  adopt({ em }: SourceContext, column: WalkColumn, value: unknown): unknown {
    return this.dialect.adopt ? this.dialect.adopt(em, column, value) : value;
  }

  async edge(context: SourceContext, query: KeyQuery, end: 'first' | 'last'): Promise<KeyValues | undefined> {
    const em = managerOf(context);
    const stretches = this.stretches(context, query);
    for (const stretch of end === 'first' ? stretches : stretches.toReversed()) {
      context.signal?.throwIfAborted();
      const inner = await ordered(em, context, query, stretch, { reversed: end === 'last', limit: 1 });
      const [row] = await em.execute(`select ${this.texts(query)} from (${inner}) boundary`);
      if (row) return this.values(context, query, row);
    }
    return undefined;
  }

  async batches(context: SourceContext, query: KeyQuery, batchSize: number, limit: number) {
    const em = managerOf(context);
    const wanted = batchSize * limit;
    const rows = new Map<number, KeyValues>();
    let read = 0;
    const readStretch = async (stretch: SqlStretch, last: boolean) => {
      context.signal?.throwIfAborted();
      const cut = { batchSize, before: read, limit: wanted - read, last };
      for (const row of await em.execute(await this.boundaryStatement(em, context, query, stretch, cut))) {
        const number = Number(row['rn']);
        rows.set(number, this.values(context, query, row));
        read = Math.max(read, number);
      }
    };
    const stretches = this.stretches(context, query);
    const [only] = stretches;
    if (only && stretches.length === 1) {
      // To ask for its last row as well costs half as much again, and there is none to ask for before the end.
      await readStretch(only, false);
      if (read === wanted || read === 0) return pairBatches(rows, read, batchSize);
      read = 0;
      rows.clear();
    }
    for (const stretch of stretches) {
      if (read >= wanted) break;
      await readStretch(stretch, true);
    }
    return pairBatches(rows, read, batchSize);
  }

  async total(context: SourceContext, query: KeyQuery): Promise<RowTotal> {
    const em = managerOf(context);
    const statements = await Promise.all(
      this.stretches(context, query).map(({ condition }) =>
        compileSelect(em, { ...query, expressions: expressionsOf(context, query), condition }),
      ),
    );
    const estimate = await this.dialect.estimate?.(em, statements);
    if (estimate) return estimate;
    let rows = 0;
    for (const statement of statements) {
      context.signal?.throwIfAborted();
      const [row] = await em.execute(`select count(*) as n from (${statement}) counted`);
      rows += Number(row?.['n'] ?? 0);
    }
    return { rows, exact: true };
  }

  async hasIndex(context: SourceContext, query: KeyQuery): Promise<boolean | undefined> {
    const [stretch] = this.stretches(context, { ...query, interval: {} });
    if (!stretch || !this.dialect.sorts) return undefined;
    const statement = await ordered(managerOf(context), context, query, stretch, {
      reversed: false,
      limit: 1000,
    });
    return !(await this.dialect.sorts(context.em, statement));
  }

  /**
   * The statement that reads a cycle's boundaries, its last row among them if asked for; on its own so that its
   * plan can be looked at.
   */
  async boundaryStatement(
    em: SqlManager,
    context: SourceContext,
    query: KeyQuery,
    stretch: SqlStretch,
    { batchSize, before, limit, last }: { batchSize: number; before: number; limit: number; last: boolean },
  ): Promise<string> {
    const inner = await ordered(em, context, query, stretch, { reversed: false, limit });
    const keys = query.columns.map((_, i) => `c${i}`).join(', ');
    const order = stretch.ordering.map((i) => `c${i} ${query.columns[i]?.direction}`).join(', ');
    // MariaDB wants an order even for what is all the same.
    const window = `order by ${order === '' ? 'c0' : order}`;
    return (
      `select rn, ${this.texts(query)} from (` +
      `select ${keys}, ${before} + row_number() over w as rn${last ? ', lead(1) over w as following' : ''} ` +
      `from (${inner}) walk window w as (${window})) boundary ` +
      `where rn % ${batchSize} <= 1${last ? ' or following is null' : ''}`
    );
  }

  private stretches({ em }: SourceContext, { columns, interval }: KeyQuery): SqlStretch[] {
    const quote = (column: string) => quotedColumn(em, column);
    return sqlStretches(columns, interval, quote, this.dialect.rowComparisons);
  }

  private texts({ columns }: KeyQuery): string {
    return columns.map((column, i) => `${this.dialect.text(`c${i}`, column)} as k${i}`).join(', ');
  }

  private values(
    { em }: SourceContext,
    { columns }: KeyQuery,
    row: Readonly<Record<string, unknown>>,
  ): KeyValues {
    return columns.map((column, i) => valueOfText(this.dialect, em, column, String(row[`k${i}`])));
  }
}

/** The keys of one stretch, in the order of the walk or against it. */
async function ordered(
  em: SqlManager,
  context: SourceContext,
  query: KeyQuery,
  { condition, ordering }: SqlStretch,
  { reversed, limit }: { reversed: boolean; limit: number },
): Promise<string> {
  const select = await compileSelect(em, { ...query, expressions: expressionsOf(context, query), condition });
  const order = ordering
    .map((i) => query.columns[i])
    .flatMap((column) =>
      column ? [`${quotedColumn(context.em, column.column)} ${turned(column.direction, reversed)}`] : [],
    );
  return `${select}${order.length === 0 ? '' : ` order by ${order.join(', ')}`} limit ${limit}`;
}

function turned(direction: 'asc' | 'desc', reversed: boolean): 'asc' | 'desc' {
  return (direction === 'asc') === reversed ? 'desc' : 'asc';
}

function expressionsOf({ em }: SourceContext, { columns }: KeyQuery): string[] {
  return columns.map(({ column }, i) => `${quotedColumn(em, column)} as c${i}`);
}

function managerOf({ em }: { em: EntityManager }): SqlManager {
  const manager = sqlOf(em);
  if (!manager) throw new TypeError('Expected an entity manager that speaks SQL');
  return manager;
}
