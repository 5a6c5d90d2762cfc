import { describeValue } from '../../errors/describe-value.js';
import type { SourceContext } from '../backfill-source.js';
import type { KeyType } from './key-property.js';
import type { KeyQuery, KeyValues } from './key-reader.js';

const HAS_TYPE: Readonly<Record<KeyType, (value: unknown) => boolean>> = {
  number: (value) => typeof value === 'number' && !Number.isNaN(value),
  bigint: (value) => typeof value === 'bigint',
  string: (value) => typeof value === 'string',
  date: (value) => value instanceof Date && !Number.isNaN(value.getTime()),
  boolean: (value) => typeof value === 'boolean',
  bytes: (value) => value instanceof Uint8Array,
  'object-id': (value) => typeof (value as { toHexString?: unknown } | null)?.toHexString === 'function',
};

/**
 * Ensures that a boundary key has the types of the entity. A document database sorts values by type first, but
 * its comparisons match one type only, so that values of other types would be skipped. If both boundaries have
 * the right type, so has every key in between.
 *
 * @throws BackfillSourceError with code `BACKFILL_SOURCE_KEY`.
 * @internal
 */
export function checkKeyTypes(context: SourceContext, { scope, columns }: KeyQuery, key: KeyValues): void {
  for (const [i, { path, type }] of columns.entries()) {
    if (HAS_TYPE[type](key[i])) continue;
    throw scope.error(context, {
      code: 'BACKFILL_SOURCE_KEY',
      field: path,
      expected: `a ${type} in every row, as the entity declares it`,
      received: key[i] === undefined ? 'a row without the property' : describeValue(key[i]),
      remedy: 'Correct these rows, or exclude them with `where`.',
    });
  }
}
