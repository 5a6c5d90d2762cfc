import { DatabaseTimestamp, compareTimestamps } from './database-timestamp.js';
import { encodeKeyValue } from './key-codec.js';

/** Whether two key values are equal to the database; `unknown` if only the database can tell. */
export type KeyEquality = 'equal' | 'different' | 'unknown';

/**
 * Compares two key values of one column. Different texts may still be equal to the database: numeric 1.0 and
 * 1.00, citext, or a case-insensitive collation.
 *
 * @internal
 */
export function keyEquality(left: unknown, right: unknown): KeyEquality {
  if (left instanceof DatabaseTimestamp && right instanceof DatabaseTimestamp) {
    if (left.text === right.text) return 'equal';
    if (!isSameInstant(left, right)) return 'different';
    return WITH_OFFSET.test(left.text) && WITH_OFFSET.test(right.text) ? 'equal' : 'unknown';
  }
  if (JSON.stringify(encodeKeyValue(left)) === JSON.stringify(encodeKeyValue(right))) return 'equal';
  return typeof left === 'string' || typeof right === 'string' ? 'unknown' : 'different';
}

/** PostgreSQL's format of `timestamptz`, which it compares as an instant; SQLite compares the texts. */
const WITH_OFFSET = /^\S+ \S+[+-]\d\d(?::\d\d)*$/;

/** Two sessions may format one instant with different offsets. */
function isSameInstant(left: DatabaseTimestamp, right: DatabaseTimestamp): boolean {
  return compareTimestamps(left, right) === 0;
}
