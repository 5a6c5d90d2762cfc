import type { EntityManager } from '@mikro-orm/core';
import type { BackfillSourceError } from '../../errors/backfill-source.error.js';
import { describeValue } from '../../errors/describe-value.js';
import type { SourceContext } from '../backfill-source.js';
import { parseInteger } from './key-value.js';
import type { KeyQuery, KeyReader, KeyValues, SortColumn } from './key-reader.js';
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
  for (const [i, column] of columns.entries()) {
    const large = column.integer ? keys.map((key) => key[i]).find(isLarge) : undefined;
    if (large === undefined) continue;
    const remedy = await roundingRemedy(context, column, reader);
    if (remedy !== undefined)
      throw inexactError(scope, context, column, `about ${describeValue(large)}`, remedy);
  }
}

/**
 * Ensures that no row has a primary key which is rounded when the row is loaded. The first and the last row do not
 * show this where the primary key is a later sort key.
 *
 * @throws BackfillSourceError with code `BACKFILL_SOURCE_KEY`.
 * @internal
 */
export async function checkExactPrimaryKey(
  context: SourceContext,
  reader: KeyReader,
  query: KeyQuery,
): Promise<void> {
  const { scope, columns } = query;
  const [name, ...others]: readonly string[] = scope.metadata(context).primaryKeys;
  const column = columns.slice(1).find(({ path, integer }) => path === name && integer);
  // A composite primary key need not have an index that begins with the column; `load` checks its rows.
  if (!column || others.length > 0) return;
  const remedy = await roundingRemedy(context, column, reader);
  if (remedy !== undefined && (await reader.hasValue(context, query, column, 'unsafe-integer'))) {
    throw inexactError(scope, context, column, 'rows with integers above 2^53', remedy);
  }
}

/** What to do if the column has integers above 2^53; `undefined` if they are not rounded. */
async function roundingRemedy(
  { em }: SourceContext,
  { type }: SortColumn,
  { exactIntegers }: KeyReader,
): Promise<string | undefined> {
  if (type === 'number') return 'Map the property as a bigint or a string.';
  return !exactIntegers && (await roundsIntegers(em))
    ? 'The database driver rounds integers above 2^53: use another key.'
    : undefined;
}

function inexactError(
  scope: SourceScope,
  context: SourceContext,
  { path }: SortColumn,
  received: string,
  remedy: string,
): BackfillSourceError {
  return scope.error(context, {
    code: 'BACKFILL_SOURCE_KEY',
    field: path,
    expected: 'integers that the driver and the entity represent exactly',
    received,
    remedy,
  });
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
