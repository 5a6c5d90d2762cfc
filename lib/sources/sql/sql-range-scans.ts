import { intervalBranches, isUniform } from '../keys/interval-conjunctions.js';
import type { KeyBound, KeyInterval } from '../keys/key-interval.js';
import type { WalkColumn } from '../keys/key-reader.js';
import type { SqlCondition } from './compile-select.js';

/** One stretch of an index, and the columns that still order its rows. */
export interface SqlStretch {
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
export function sqlStretches(
  columns: readonly WalkColumn[],
  interval: KeyInterval,
  quote: (column: string) => string,
  rowComparisons: boolean,
): SqlStretch[] {
  const directions = columns.map(({ direction }) => direction);
  const all = columns.map((_, i) => i);
  if (rowComparisons && isUniform(directions)) {
    const { lower, upper } = interval;
    const ascending = directions[0] === 'asc';
    const parts = [
      ...(lower ? [rowComparison(columns, lower, ascending ? '>' : '<', quote)] : []),
      ...(upper ? [rowComparison(columns, upper, ascending ? '<' : '>', quote)] : []),
    ];
    return [{ condition: joinConditions(parts), ordering: all }];
  }
  return intervalBranches(directions, interval).map((branch) => ({
    condition: joinConditions(
      branch.map(({ column, operator, value }) => ({
        sql: `${quote(columns[column]?.column ?? '')} ${operator} ?`,
        values: [value],
      })),
    ),
    ordering: all.filter((i) => !branch.some(({ column, operator }) => column === i && operator === '=')),
  }));
}

function rowComparison(
  columns: readonly WalkColumn[],
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
