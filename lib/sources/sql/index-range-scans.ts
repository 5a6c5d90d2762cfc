import { intervalConjunctions } from '../keys/interval-conjunctions.js';
import type { KeyBound, KeyInterval } from '../keys/key-interval.js';
import type { SortColumn } from '../keys/key-reader.js';
import type { SqlCondition } from './compile-select.js';

/** One range scan of an index on the sort columns. */
export interface IndexRangeScan {
  /** `undefined`: the scan reads the whole index. */
  readonly condition: SqlCondition | undefined;
  /** Positions of the columns to order by: all but those that the condition sets equal to a value. */
  readonly ordering: readonly number[];
}

/**
 * The range scans that together read an interval in the source's order, one after the other. A row-value
 * comparison, `(a, b) > (x, y)`, needs a single scan, but requires the same direction in all columns and a
 * database that uses an index for it.
 *
 * @param quote Quotes a column and qualifies it with the table's alias.
 * @param rowValueComparisons Whether the database uses an index for row-value comparisons.
 * @internal
 */
export function indexRangeScans(
  columns: readonly SortColumn[],
  interval: KeyInterval,
  quote: (column: string) => string,
  rowValueComparisons: boolean,
): IndexRangeScan[] {
  const directions = columns.map(({ direction }) => direction);
  const positions = columns.map((_, i) => i);
  if (rowValueComparisons && directions.every((direction) => direction === directions[0])) {
    const { lower, upper } = interval;
    const ascending = directions[0] === 'asc';
    const conditions = [
      ...(lower ? [rowValueComparison(columns, lower, ascending ? '>' : '<', quote)] : []),
      ...(upper ? [rowValueComparison(columns, upper, ascending ? '<' : '>', quote)] : []),
    ];
    return [{ condition: joinConditions(conditions), ordering: positions }];
  }
  return intervalConjunctions(directions, interval).map((conjunction) => ({
    condition: joinConditions(
      conjunction.map(({ column, operator, value }) => ({
        sql: `${quote(columns[column]?.column ?? '')} ${operator} ?`,
        values: [value],
      })),
    ),
    ordering: positions.filter(
      (i) => !conjunction.some(({ column, operator }) => column === i && operator === '='),
    ),
  }));
}

function rowValueComparison(
  columns: readonly SortColumn[],
  { values, inclusive }: KeyBound,
  operator: '<' | '>',
  quote: (column: string) => string,
): SqlCondition {
  const row = columns.slice(0, values.length).map(({ column }) => quote(column));
  const placeholders = values.map(() => '?');
  return {
    sql: `(${row.join(', ')}) ${operator}${inclusive ? '=' : ''} (${placeholders.join(', ')})`,
    values,
  };
}

function joinConditions(conditions: readonly SqlCondition[]): SqlCondition | undefined {
  if (conditions.length === 0) return undefined;
  return {
    sql: conditions.map(({ sql }) => sql).join(' and '),
    values: conditions.flatMap(({ values }) => values),
  };
}
