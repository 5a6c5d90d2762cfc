import { intervalConjunctions, isUniform } from '../keys/interval-conjunctions.js';
import type { KeyBound, KeyInterval } from '../keys/key-interval.js';
import type { SortColumn } from '../keys/key-reader.js';
import type { SqlCondition } from './compile-select.js';

/** One stretch of an index, and the columns that still order its rows. */
export interface IndexRangeScan {
  readonly condition: SqlCondition | undefined;
  /** Positions of the columns that differ from row to row. */
  readonly ordering: readonly number[];
}

/**
 * The conditions that read an interval in the order of the walk, one stretch of an index after the other.
 * One row comparison does where all columns go the same way; it has no form for mixed directions, and not
 * every database finds its place in an index by one.
 *
 * @internal
 */
export function indexRangeScans(
  columns: readonly SortColumn[],
  interval: KeyInterval,
  quote: (column: string) => string,
  rowValueComparisons: boolean,
): IndexRangeScan[] {
  const directions = columns.map(({ direction }) => direction);
  const all = columns.map((_, i) => i);
  if (rowValueComparisons && isUniform(directions)) {
    const { lower, upper } = interval;
    const ascending = directions[0] === 'asc';
    const parts = [
      ...(lower ? [rowValueComparison(columns, lower, ascending ? '>' : '<', quote)] : []),
      ...(upper ? [rowValueComparison(columns, upper, ascending ? '<' : '>', quote)] : []),
    ];
    return [{ condition: joinConditions(parts), ordering: all }];
  }
  return intervalConjunctions(directions, interval).map((conjunction) => ({
    condition: joinConditions(
      conjunction.map(({ column, operator, value }) => ({
        sql: `${quote(columns[column]?.column ?? '')} ${operator} ?`,
        values: [value],
      })),
    ),
    ordering: all.filter(
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
  const marks = values.map(() => '?');
  return { sql: `(${row.join(', ')}) ${operator}${inclusive ? '=' : ''} (${marks.join(', ')})`, values };
}

function joinConditions(parts: readonly SqlCondition[]): SqlCondition | undefined {
  if (parts.length === 0) return undefined;
  return { sql: parts.map(({ sql }) => sql).join(' and '), values: parts.flatMap(({ values }) => values) };
}
