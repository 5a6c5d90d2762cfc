import type { EntityManager } from '@mikro-orm/core';
import { describeValue } from '../../errors/describe-value.js';
import type { SourceContext } from '../backfill-source.js';
import { parseInteger } from './key-value.js';
import type { KeyReader, KeyValues, SortColumn } from './key-reader.js';
import type { SourceScope } from '../source-scope.js';

const MAX_SAFE = BigInt(Number.MAX_SAFE_INTEGER);
/** 2^53 + 1, the smallest positive integer that a JavaScript number cannot represent. */
const UNSAFE_INTEGER = '9007199254740993';

/**
 * Ensures that integer keys were read without rounding: a rounded key selects other rows.
 *
 * @throws BackfillSourceError with code `BACKFILL_SOURCE_KEY`.
 * @internal
 */
export async function checkExactIntegers(
  scope: SourceScope,
  context: SourceContext,
  columns: readonly SortColumn[],
  reader: KeyReader,
  keys: readonly KeyValues[],
): Promise<void> {
  const fail = (column: SortColumn, received: string, remedy: string) =>
    scope.error(context, {
      code: 'BACKFILL_SOURCE_KEY',
      field: column.path,
      expected: 'integers that the driver and the entity represent exactly',
      received,
      remedy,
    });
  for (const [i, column] of columns.entries()) {
    const large = column.integer ? keys.map((key) => key[i]).find(isLarge) : undefined;
    if (large === undefined) continue;
    if (column.type === 'number') {
      throw fail(column, `about ${describeValue(large)}`, 'Map the property as a bigint or a string.');
    }
    if (!reader.exactIntegers && (await roundsIntegers(context.em))) {
      throw fail(
        column,
        `about ${describeValue(large)}`,
        'The database driver rounds integers above 2^53: use another key.',
      );
    }
  }
}

function isLarge(value: unknown): boolean {
  if (typeof value === 'number') return Math.abs(value) > Number.MAX_SAFE_INTEGER;
  const integer = parseInteger(value);
  return integer !== undefined && (integer > MAX_SAFE || integer < -MAX_SAFE);
}

/** SQLite drivers read every integer as a JavaScript number, whatever type the entity maps it to. */
async function roundsIntegers(em: EntityManager): Promise<boolean> {
  const { execute } = em as { execute?: (sql: string) => Promise<Array<{ n?: unknown }>> };
  if (typeof execute !== 'function') return false;
  const [row] = await execute.call(em, `select ${UNSAFE_INTEGER} as n`);
  return String(row?.n) !== UNSAFE_INTEGER;
}
