import type { SourceContext } from './backfill-source.js';
import { type KeyQuery, type KeyReader, type KeyValues, pairBatches } from './key-reader.js';
import { compileSelect, postgresOf, quotedColumn, type SqlManager } from './postgres-access.js';
import { type SqlStretch, sqlStretches } from './postgres-conditions.js';
import { estimateRows, sortsRows } from './postgres-explain.js';
import { textExpression, valueOfText } from './postgres-key-values.js';
import { checkAborted } from './source-scope.js';

/** Up to this many rows are counted; above, the planner's estimate does. */
const COUNTED_ROWS = 1_000_000;
/** About what PostgreSQL charges for reading ten million narrow rows: a count beyond it may take minutes. */
const COUNTED_COST = 500_000;

/**
 * Reads boundaries through the index and sends only them over the wire, as text: whatever precision the
 * column has goes back to it unchanged.
 *
 * @internal
 */
export const postgresKeyReader: KeyReader = {
  exact: true,

  async edge(context, query, end) {
    const em = managerOf(context);
    const stretches = stretchesOf(context, query);
    for (const stretch of end === 'first' ? stretches : stretches.toReversed()) {
      checkAborted(context);
      const inner = await ordered(em, context, query, stretch, { reversed: end === 'last', limit: 1 });
      const [row] = await em.execute(`select ${texts(query)} from (${inner}) boundary`);
      if (row) return valuesOf(context, query, row);
    }
    return undefined;
  },

  async batches(context, query, batchSize, limit) {
    const em = managerOf(context);
    const wanted = batchSize * limit;
    const rows = new Map<number, KeyValues>();
    let read = 0;
    for (const stretch of stretchesOf(context, query)) {
      if (read >= wanted) break;
      checkAborted(context);
      const statement = await boundaryStatement(em, context, query, stretch, {
        batchSize,
        before: read,
        limit: wanted - read,
      });
      for (const row of await em.execute(statement)) {
        const number = Number(row['rn']);
        rows.set(number, valuesOf(context, query, row));
        read = Math.max(read, number);
      }
    }
    return pairBatches(rows, read, batchSize);
  },

  async total(context, query) {
    const em = managerOf(context);
    const statements = await Promise.all(
      stretchesOf(context, query).map(({ condition }) =>
        compileSelect(em, { ...query, expressions: expressionsOf(context, query), condition }),
      ),
    );
    const estimates: Array<{ rows: number; cost: number }> = [];
    for (const statement of statements) estimates.push(await estimateRows(em, statement));
    const rows = sum(estimates.map((estimate) => estimate.rows));
    if (rows > COUNTED_ROWS || sum(estimates.map(({ cost }) => cost)) > COUNTED_COST)
      return { rows, exact: false };
    const counts: number[] = [];
    for (const statement of statements) {
      checkAborted(context);
      const [row] = await em.execute(`select count(*) as n from (${statement}) counted`);
      counts.push(Number(row?.['n'] ?? 0));
    }
    return { rows: sum(counts), exact: true };
  },

  async hasIndex(context, query) {
    const [stretch] = stretchesOf(context, { ...query, interval: {} });
    if (!stretch) return undefined;
    const statement = await ordered(managerOf(context), context, query, stretch, {
      reversed: false,
      limit: 1000,
    });
    return !(await sortsRows(context.em, statement));
  },
};

/**
 * The statement that reads a cycle's boundaries; on its own so that its plan can be looked at.
 *
 * @internal
 */
export async function boundaryStatement(
  em: SqlManager,
  context: SourceContext,
  query: KeyQuery,
  stretch: SqlStretch,
  { batchSize, before, limit }: { batchSize: number; before: number; limit: number },
): Promise<string> {
  const inner = await ordered(em, context, query, stretch, { reversed: false, limit });
  const keys = query.columns.map((_, i) => `c${i}`).join(', ');
  const order = stretch.ordering.map((i) => `c${i} ${query.columns[i]?.direction}`).join(', ');
  const window = order === '' ? '' : `order by ${order}`;
  return (
    `select rn, ${texts(query)} from (` +
    `select ${keys}, ${before} + row_number() over w as rn, lead(1) over w as following ` +
    `from (${inner}) walk window w as (${window})) boundary ` +
    `where rn % ${batchSize} <= 1 or following is null`
  );
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

function stretchesOf({ em }: SourceContext, { columns, interval }: KeyQuery): SqlStretch[] {
  return sqlStretches(columns, interval, (column) => quotedColumn(em, column));
}

function expressionsOf({ em }: SourceContext, { columns }: KeyQuery): string[] {
  return columns.map(({ column }, i) => `${quotedColumn(em, column)} as c${i}`);
}

function texts({ columns }: KeyQuery): string {
  return columns.map((column, i) => `${textExpression(`c${i}`, column)} as k${i}`).join(', ');
}

function valuesOf({ em }: SourceContext, { columns }: KeyQuery, row: Record<string, unknown>): KeyValues {
  return columns.map((column, i) => valueOfText(em, column, String(row[`k${i}`])));
}

function managerOf({ em }: SourceContext): SqlManager {
  const manager = postgresOf(em);
  if (!manager) throw new TypeError('Expected an entity manager for PostgreSQL');
  return manager;
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, number) => total + number, 0);
}
