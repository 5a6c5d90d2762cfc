import type { EntityManager } from '@mikro-orm/core';
import { describeValue } from '../../errors/describe-value.js';
import type { SourceContext } from '../backfill-source.js';
import { parseInteger } from './key-value.js';
import type { KeyReader, KeyValues, SortColumn } from './key-reader.js';
import type { SourceScope } from '../source-scope.js';

const LARGEST = BigInt(Number.MAX_SAFE_INTEGER);
/** The first whole number that a JavaScript number cannot hold. */
const PROBE = '9007199254740993';

/**
 * Makes sure that keys were read as they stand in the table: a rounded one would select other rows.
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
      expected: 'integers that pass from the table unchanged',
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
        'This database driver rounds integers past 2^53: use another key.',
      );
    }
  }
}

function isLarge(value: unknown): boolean {
  if (typeof value === 'number') return Math.abs(value) > Number.MAX_SAFE_INTEGER;
  const whole = parseInteger(value);
  return whole !== undefined && (whole > LARGEST || whole < -LARGEST);
}

/** SQLite's drivers read every integer as a number, whatever the entity makes of it. */
async function roundsIntegers(em: EntityManager): Promise<boolean> {
  const { execute } = em as { execute?: (sql: string) => Promise<Array<{ n?: unknown }>> };
  if (typeof execute !== 'function') return false;
  const [row] = await execute.call(em, `select ${PROBE} as n`);
  return String(row?.n) !== PROBE;
}
