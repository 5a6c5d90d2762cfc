import { describeValue } from '../../errors/describe-value.js';
import type { OpenRequest, SourceContext } from '../backfill-source.js';
import type { WalkColumn } from '../keys/key-reader.js';
import { wholeNumber } from '../keys/key-value.js';
import type { SourceScope } from '../source-scope.js';

/**
 * Reads `from` and `to` of a start: ids, their digits, or objects with the key.
 *
 * @throws BackfillSourceError with code `BACKFILL_SOURCE_BOUNDS`.
 * @internal
 */
export function parseIdPlaces(
  scope: SourceScope,
  context: SourceContext,
  { path, direction }: WalkColumn,
  request: OpenRequest,
): { from: bigint | undefined; to: bigint | undefined } {
  const code = 'BACKFILL_SOURCE_BOUNDS';
  const read = (field: 'from' | 'to') => {
    const place = request[field];
    if (place === undefined || place === null) return undefined;
    const bare =
      typeof place === 'object' && path in place ? (place as Record<string, unknown>)[path] : place;
    const id = wholeNumber(bare);
    if (id !== undefined) return id;
    throw scope.error(context, {
      code,
      field,
      expected: `a whole number, its digits, or { ${path}: … }`,
      received: describeValue(bare),
      remedy: 'Numbers past 2^53 are given as text or as a bigint.',
    });
  };
  const [from, to] = [read('from'), read('to')];
  if (from !== undefined && to !== undefined && (direction === 'asc' ? from > to : from < to)) {
    throw scope.error(context, {
      code,
      field: 'from, to',
      expected: `from ${direction === 'asc' ? 'below' : 'above'} to, in the order of the walk (${direction})`,
      received: `from ${from} to ${to}`,
      remedy: 'Swap them, or turn the source round with `direction`.',
    });
  }
  return { from, to };
}
