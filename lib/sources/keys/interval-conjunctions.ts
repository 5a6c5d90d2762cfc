import { DatabaseTime, timeOfText } from './database-time.js';
import { encodeKey } from './key-codec.js';
import type { KeyInterval } from './key-interval.js';
import type { WalkDirection } from './sort-key.js';

/** One column compared with one value. */
export interface KeyComparison {
  /** Position of the column in the walk. */
  readonly column: number;
  readonly operator: '=' | '<' | '<=' | '>' | '>=';
  readonly value: unknown;
}

/** Comparisons that all hold: the rows are one stretch of an index over the columns. */
export type KeyBranch = readonly KeyComparison[];

/**
 * Cuts an interval into branches, in the order of the walk. No row is in two of them, whatever the
 * directions, and each is one range of an index, so that a database never reads past rows to skip them,
 * as it does for `a >= x AND (a > x OR b > y)` where many rows share one `a`.
 *
 * @internal
 */
export function intervalBranches(directions: readonly WalkDirection[], interval: KeyInterval): KeyBranch[] {
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

  const cut = (column: number, { lower, upper }: KeyInterval): KeyBranch[] => {
    if (lower && column === lower.values.length) {
      return lower.inclusive ? cut(column, { upper }) : [];
    }
    if (upper && column === upper.values.length) {
      return upper.inclusive ? cut(column, { lower }) : [];
    }
    if (!lower && !upper) return [[]];

    const low = lower?.values[column];
    const high = upper?.values[column];
    const sameness = lower && upper ? compareValues(low, high) : 'different';
    const at = (value: unknown, extra: KeyComparison[], inner: KeyInterval) => {
      const fixed: KeyBranch = [{ column, operator: '=', value }, ...extra];
      return cut(column + 1, inner).map((branch) => fixed.concat(branch));
    };
    if (sameness === 'same') return at(low, [], { lower, upper });

    const head = lower ? cut(column + 1, { lower }) : [];
    const tail = upper ? cut(column + 1, { upper }) : [];
    const wholeHead = isEverything(head);
    const wholeTail = isEverything(tail);
    const perhapsSame = sameness === 'unknown' && !(wholeHead && wholeTail);
    // The comparisons with the other bound keep an interval empty whose lower bound lies beyond its upper one.
    return [
      ...(perhapsSame ? at(low, [{ column, operator: '=', value: high }], { lower, upper }) : []),
      ...(lower && !wholeHead ? at(low, upper ? [upTo(column, high, false)] : [], { lower }) : []),
      [...(lower ? [beyond(column, low, wholeHead)] : []), ...(upper ? [upTo(column, high, wholeTail)] : [])],
      ...(upper && !wholeTail ? at(high, lower ? [beyond(column, low, false)] : [], { upper }) : []),
    ];
  };
  return cut(0, interval);
}

/** True where every column goes the same way, so that a row comparison can express any interval. */
export function isUniform(directions: readonly WalkDirection[]): boolean {
  return directions.every((direction) => direction === directions[0]);
}

function isEverything(branches: readonly KeyBranch[]): boolean {
  return branches.length === 1 && branches[0]?.length === 0;
}

/**
 * Texts that differ may still be equal to the database (numeric 1.0 and 1.00, citext, a collation), which
 * only the database can tell.
 */
function compareValues(left: unknown, right: unknown): 'same' | 'different' | 'unknown' {
  if (left instanceof DatabaseTime && right instanceof DatabaseTime) {
    if (left.text === right.text) return 'same';
    if (!sameInstant(left, right)) return 'different';
    return ZONED.test(left.text) && ZONED.test(right.text) ? 'same' : 'unknown';
  }
  if (JSON.stringify(encodeKey(left)) === JSON.stringify(encodeKey(right))) return 'same';
  return typeof left === 'string' || typeof right === 'string' ? 'unknown' : 'different';
}

/** As PostgreSQL writes it, so that it is compared as an instant; SQLite compares texts as they stand. */
const ZONED = /^\S+ \S+[+-]\d\d(?::\d\d)*$/;

/** Two sessions may write one instant with different offsets. */
function sameInstant(left: DatabaseTime, right: DatabaseTime): boolean {
  return (
    timeOfText(left.text) === timeOfText(right.text) && belowMillisecond(left) === belowMillisecond(right)
  );
}

function belowMillisecond({ text }: DatabaseTime): string {
  return (/\.\d{3}(\d+)/.exec(text)?.[1] ?? '').replace(/0+$/, '');
}
