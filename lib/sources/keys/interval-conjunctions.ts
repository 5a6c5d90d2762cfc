import { DatabaseTimestamp, parseTimestamp } from './database-timestamp.js';
import { encodeKeyValue } from './key-codec.js';
import type { KeyInterval } from './key-interval.js';
import type { SortDirection } from './sort-key.js';

/** One column compared with one value. */
export interface KeyComparison {
  /** Position of the column in the walk. */
  readonly column: number;
  readonly operator: '=' | '<' | '<=' | '>' | '>=';
  readonly value: unknown;
}

/** Comparisons that all hold: the rows are one stretch of an index over the columns. */
export type Conjunction = readonly KeyComparison[];

/**
 * Cuts an interval into branches, in the order of the walk. No row is in two of them, whatever the
 * directions, and each is one range of an index, so that a database never reads past rows to skip them,
 * as it does for `a >= x AND (a > x OR b > y)` where many rows share one `a`.
 *
 * @internal
 */
export function intervalConjunctions(
  directions: readonly SortDirection[],
  interval: KeyInterval,
): Conjunction[] {
  const beyond = (column: number, value: unknown, inclusive: boolean): KeyComparison => ({
    column,
    operator: directions[column] === 'asc' ? (inclusive ? '>=' : '>') : inclusive ? '<=' : '<',
    value,
  });
  const upTo = (column: number, value: unknown, inclusive: boolean): KeyComparison => ({
    column,
    operator: directions[column] === 'asc' ? (inclusive ? '<=' : '<') : inclusive ? '>=' : '>',
    value,
  });

  const cut = (column: number, { lower, upper }: KeyInterval): Conjunction[] => {
    if (lower && column === lower.values.length) {
      return lower.inclusive ? cut(column, { upper }) : [];
    }
    if (upper && column === upper.values.length) {
      return upper.inclusive ? cut(column, { lower }) : [];
    }
    if (!lower && !upper) return [[]];

    const low = lower?.values[column];
    const high = upper?.values[column];
    const equality = lower && upper ? compareValues(low, high) : 'different';
    const at = (value: unknown, extra: KeyComparison[], inner: KeyInterval) => {
      const fixed: Conjunction = [{ column, operator: '=', value }, ...extra];
      return cut(column + 1, inner).map((conjunction) => fixed.concat(conjunction));
    };
    if (equality === 'equal') return at(low, [], { lower, upper });

    const head = lower ? cut(column + 1, { lower }) : [];
    const tail = upper ? cut(column + 1, { upper }) : [];
    const wholeHead = matchesAll(head);
    const wholeTail = matchesAll(tail);
    const perhapsEqual = equality === 'unknown' && !(wholeHead && wholeTail);
    // The comparisons with the other bound keep an interval empty whose lower bound lies beyond its upper one.
    return [
      ...(perhapsEqual ? at(low, [{ column, operator: '=', value: high }], { lower, upper }) : []),
      ...(lower && !wholeHead ? at(low, upper ? [upTo(column, high, false)] : [], { lower }) : []),
      [...(lower ? [beyond(column, low, wholeHead)] : []), ...(upper ? [upTo(column, high, wholeTail)] : [])],
      ...(upper && !wholeTail ? at(high, lower ? [beyond(column, low, false)] : [], { upper }) : []),
    ];
  };
  return cut(0, interval);
}

/** True where every column goes the same way, so that a row comparison can express any interval. */
export function isUniform(directions: readonly SortDirection[]): boolean {
  return directions.every((direction) => direction === directions[0]);
}

function matchesAll(conjunctions: readonly Conjunction[]): boolean {
  return conjunctions.length === 1 && conjunctions[0]?.length === 0;
}

/**
 * Texts that differ may still be equal to the database (numeric 1.0 and 1.00, citext, a collation), which
 * only the database can tell.
 */
function compareValues(left: unknown, right: unknown): 'equal' | 'different' | 'unknown' {
  if (left instanceof DatabaseTimestamp && right instanceof DatabaseTimestamp) {
    if (left.text === right.text) return 'equal';
    if (!sameInstant(left, right)) return 'different';
    return WITH_OFFSET.test(left.text) && WITH_OFFSET.test(right.text) ? 'equal' : 'unknown';
  }
  if (JSON.stringify(encodeKeyValue(left)) === JSON.stringify(encodeKeyValue(right))) return 'equal';
  return typeof left === 'string' || typeof right === 'string' ? 'unknown' : 'different';
}

/** As PostgreSQL writes it, so that it is compared as an instant; SQLite compares texts as they stand. */
const WITH_OFFSET = /^\S+ \S+[+-]\d\d(?::\d\d)*$/;

/** Two sessions may write one instant with different offsets. */
function sameInstant(left: DatabaseTimestamp, right: DatabaseTimestamp): boolean {
  return (
    parseTimestamp(left.text) === parseTimestamp(right.text) &&
    subMillisecondDigits(left) === subMillisecondDigits(right)
  );
}

function subMillisecondDigits({ text }: DatabaseTimestamp): string {
  return (/\.\d{3}(\d+)/.exec(text)?.[1] ?? '').replace(/0+$/, '');
}
