import type { BackfillSourceError } from '../../errors/backfill-source.error.js';
import { isInvalidValue } from '../../database/classify-error.js';
import type { OpenRequest, SourceContext } from '../backfill-source.js';
import { DatabaseTimestamp, compareTimestamps } from '../keys/database-timestamp.js';
import { keyEquality } from '../keys/key-equality.js';
import type { KeyBound, KeyInterval } from '../keys/key-interval.js';
import { describeOrder, type SortKey } from '../keys/sort-key.js';
import type { SourceScope } from '../source-scope.js';

/** Whether `from` is after `to`; `unknown` if only the database can compare their values. */
export function isInverted(sortKeys: readonly SortKey[], from: KeyBound, to: KeyBound): boolean | 'unknown' {
  for (const [i, { direction }] of sortKeys.slice(0, commonLength(from, to)).entries()) {
    const [left, right] = [from.values[i], to.values[i]];
    const equality = keyEquality(left, right);
    if (equality === 'equal') continue;
    const order = equality === 'unknown' ? undefined : compareValues(left, right);
    return order === undefined ? 'unknown' : order > 0 === (direction === 'asc');
  }
  return false;
}

/**
 * Intervals of which one has a row only if `from` is after `to`: from `to` to `from`, without one of them. Compared by
 * the database, in its collation.
 */
export function invertedIntervals(from: KeyBound, to: KeyBound): KeyInterval[] {
  const length = commonLength(from, to);
  const bound = ({ values }: KeyBound, inclusive: boolean) => ({
    values: values.slice(0, length),
    inclusive,
  });
  return [true, false].map((inclusive) => ({ lower: bound(to, inclusive), upper: bound(from, !inclusive) }));
}

export function invertedBoundsError(
  scope: SourceScope,
  context: SourceContext,
  sortKeys: readonly SortKey[],
): BackfillSourceError {
  return scope.error(context, {
    code: 'BACKFILL_SOURCE_BOUNDS',
    field: 'from, to',
    expected: `from before to, in the source's order (${describeOrder(sortKeys)})`,
    received: 'from after to',
    remedy: 'Swap them, or reverse the directions of `orderBy`.',
  });
}

/**
 * Runs a query whose bounds come from the caller: where the database cannot read them as values of its columns, they are
 * invalid bounds and not an error of the table.
 *
 * @throws BackfillSourceError with code `BACKFILL_SOURCE_BOUNDS`.
 */
export async function refuseUnreadable<T>(
  scope: SourceScope,
  context: SourceContext,
  { from, to }: OpenRequest,
  query: () => Promise<T>,
): Promise<T> {
  try {
    return await query();
  } catch (error) {
    const given = Object.entries({ from, to }).filter(([, bound]) => bound !== undefined && bound !== null);
    if (given.length === 0 || !isInvalidValue(error)) throw error;
    throw scope.error(
      context,
      {
        code: 'BACKFILL_SOURCE_BOUNDS',
        field: given.map(([name]) => name).join(', '),
        expected: 'values that the database can compare with the columns',
        received: `its error: ${error instanceof Error ? error.message : String(error)}`,
        remedy: 'Pass values as the columns have them.',
      },
      { cause: error },
    );
  }
}

function commonLength(from: KeyBound, to: KeyBound): number {
  return Math.min(from.values.length, to.values.length);
}

/** Positive if `left` is greater; `undefined` for types that only the database compares. */
function compareValues(left: unknown, right: unknown): number | undefined {
  if (typeof left === 'bigint' && typeof right === 'bigint') return left > right ? 1 : -1;
  if (typeof left === 'number' && typeof right === 'number') return left - right;
  if (typeof left === 'boolean' && typeof right === 'boolean') return Number(left) - Number(right);
  if (left instanceof Date && right instanceof Date) return left.getTime() - right.getTime();
  if (left instanceof DatabaseTimestamp && right instanceof DatabaseTimestamp)
    return compareTimestamps(left, right);
  return undefined;
}
