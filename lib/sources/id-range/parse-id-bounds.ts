import { describeValue } from '../../errors/describe-value.js';
import type { OpenRequest, SourceContext } from '../backfill-source.js';
import type { SortColumn } from '../keys/key-reader.js';
import { parseInteger } from '../keys/key-value.js';
import type { SourceScope } from '../source-scope.js';

/**
 * Parses `from` and `to`: each an id as a number, a bigint or a string of digits, or an object with the key.
 *
 * @throws BackfillSourceError with code `BACKFILL_SOURCE_BOUNDS`.
 * @internal
 */
export function parseIdBounds(
  scope: SourceScope,
  context: SourceContext,
  { path, direction }: SortColumn,
  request: OpenRequest,
): { from: bigint | undefined; to: bigint | undefined } {
  const code = 'BACKFILL_SOURCE_BOUNDS';
  const read = (field: 'from' | 'to') => {
    const bound = request[field];
    if (bound === undefined || bound === null) return undefined;
    const value =
      typeof bound === 'object' && path in bound ? (bound as Record<string, unknown>)[path] : bound;
    const id = parseInteger(value);
    if (id !== undefined) return id;
    throw scope.error(context, {
      code,
      field,
      expected: `a whole number, a string of digits, or { ${path}: … }`,
      received: describeValue(value),
      remedy: 'Pass numbers above 2^53 as a bigint or a string of digits.',
    });
  };
  const [from, to] = [read('from'), read('to')];
  if (from !== undefined && to !== undefined && (direction === 'asc' ? from > to : from < to)) {
    throw scope.error(context, {
      code,
      field: 'from, to',
      expected: `from ${direction === 'asc' ? 'below' : 'above'} to, in the source's order (${direction})`,
      received: `from ${from} to ${to}`,
      remedy: 'Swap them, or reverse the `direction` of the source.',
    });
  }
  return { from, to };
}
