import { keyEquality } from './key-equality.js';
import type { KeyInterval } from './key-interval.js';
import type { SortDirection } from './sort-key.js';

/** A comparison of one column with one value. */
export interface KeyComparison {
  /** Position of the column in the order. */
  readonly column: number;
  readonly operator: '=' | '<' | '<=' | '>' | '>=';
  readonly value: unknown;
}

/** Comparisons joined by AND, that an index on the columns answers with a single range scan. */
export type Conjunction = readonly KeyComparison[];

/**
 * Expands an interval into conjunctions whose OR selects its rows (disjunctive normal form), in the source's
 * order. They are disjoint for any mix of directions, and each is one index range scan. The usual condition
 * `a >= x AND (a > x OR b > y)` is not: it reads and discards rows if many rows have the same `a`.
 *
 * @internal
 */
export function intervalConjunctions(
  directions: readonly SortDirection[],
  interval: KeyInterval,
): Conjunction[] {
  const after = (column: number, value: unknown, inclusive: boolean): KeyComparison => ({
    column,
    operator: directions[column] === 'asc' ? (inclusive ? '>=' : '>') : inclusive ? '<=' : '<',
    value,
  });
  const before = (column: number, value: unknown, inclusive: boolean): KeyComparison => ({
    column,
    operator: directions[column] === 'asc' ? (inclusive ? '<=' : '<') : inclusive ? '>=' : '>',
    value,
  });

  /** The conjunctions of an interval whose bounds are equal in all columns before this one. */
  const expand = (column: number, { lower, upper }: KeyInterval): Conjunction[] => {
    if (lower && column === lower.values.length) {
      return lower.inclusive ? expand(column, { upper }) : [];
    }
    if (upper && column === upper.values.length) {
      return upper.inclusive ? expand(column, { lower }) : [];
    }
    if (!lower && !upper) return [[]];

    const low = lower?.values[column];
    const high = upper?.values[column];
    const equality = lower && upper ? keyEquality(low, high) : 'different';
    const equalTo = (value: unknown, extra: KeyComparison[], rest: KeyInterval) => {
      const prefix: Conjunction = [{ column, operator: '=', value }, ...extra];
      return expand(column + 1, rest).map((conjunction) => prefix.concat(conjunction));
    };
    if (equality === 'equal') return equalTo(low, [], { lower, upper });

    const allOfLow = matchesAll(lower ? expand(column + 1, { lower }) : []);
    const allOfHigh = matchesAll(upper ? expand(column + 1, { upper }) : []);
    const maybeEqual = equality === 'unknown' && !(allOfLow && allOfHigh);
    // Each conjunction also compares with the other bound, so that nothing matches if lower is beyond upper.
    return [
      ...(maybeEqual ? equalTo(low, [{ column, operator: '=', value: high }], { lower, upper }) : []),
      ...(lower && !allOfLow ? equalTo(low, upper ? [before(column, high, false)] : [], { lower }) : []),
      [...(lower ? [after(column, low, allOfLow)] : []), ...(upper ? [before(column, high, allOfHigh)] : [])],
      ...(upper && !allOfHigh ? equalTo(high, lower ? [after(column, low, false)] : [], { upper }) : []),
    ];
  };
  return expand(0, interval);
}

/** Whether the conjunctions select every row, so that the bound's value is included as a whole. */
function matchesAll(conjunctions: readonly Conjunction[]): boolean {
  return conjunctions.length === 1 && conjunctions[0]?.length === 0;
}
