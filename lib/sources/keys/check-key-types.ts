import { describeValue } from '../../errors/describe-value.js';
import type { BackfillSourceError } from '../../errors/backfill-source.error.js';
import type { SourceContext } from '../backfill-source.js';
import { toReadableValue } from './key-codec.js';
import type { KeyType } from './key-property.js';
import type { KeyQuery, KeyValues } from './key-reader.js';

const IS_OF: Readonly<Record<KeyType, (value: unknown) => boolean>> = {
  number: (value) => typeof value === 'number' && !Number.isNaN(value),
  bigint: (value) => typeof value === 'bigint',
  string: (value) => typeof value === 'string',
  date: (value) => value instanceof Date && !Number.isNaN(value.getTime()),
  boolean: (value) => typeof value === 'boolean',
  bytes: (value) => value instanceof Uint8Array,
  'object-id': (value) => typeof (value as { toHexString?: unknown } | null)?.toHexString === 'function',
};

/**
 * Makes sure that the outermost key has the types of the entity. A document database sorts values of several
 * types one after the other and compares those of one only, so that a walk would pass over the others; where
 * both ends have the right one, so has all between them.
 *
 * @throws BackfillSourceError with code `BACKFILL_SOURCE_KEY`.
 * @internal
 */
export function checkKeyTypes(context: SourceContext, { scope, columns }: KeyQuery, key: KeyValues): void {
  for (const [i, { path, type }] of columns.entries()) {
    if (IS_OF[type](key[i])) continue;
    throw scope.error(context, {
      code: 'BACKFILL_SOURCE_KEY',
      field: path,
      expected: `a ${type} in every row, as the entity has it`,
      received: key[i] === undefined ? 'a row without one' : describeValue(key[i]),
      remedy: 'Bring these rows into line, or leave them out with `where`.',
    });
  }
}

/** A key that the driver reads as one thing and looks for as another: a walk would find no row. */
export function keyNotFoundError(
  context: SourceContext,
  { scope, columns }: KeyQuery,
  key: KeyValues,
): BackfillSourceError {
  return scope.error(context, {
    code: 'BACKFILL_SOURCE_KEY',
    field: columns.map(({ path }) => path).join(', '),
    expected: 'a key that finds its row again',
    received: `${formatKey(key)}, which does not`,
    remedy: 'The driver keeps this type in another form than it looks for: use another key.',
  });
}

/** A key as a person reads it. */
export function formatKey(key: KeyValues): string {
  return JSON.stringify(key.map(toReadableValue));
}
