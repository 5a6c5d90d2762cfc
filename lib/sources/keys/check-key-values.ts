import type { BackfillSourceError } from '../../errors/backfill-source.error.js';
import type { SourceContext } from '../backfill-source.js';
import type { SourceScope } from '../source-scope.js';
import type { KeyProperty } from './key-property.js';
import type { KeyQuery, KeyReader } from './key-reader.js';

/**
 * Ensures that no row of a partition is null in a sort column, or of another type in a document database.
 * Comparisons do not match such values, whatever the entity declares: their rows would be skipped.
 *
 * @throws BackfillSourceError with code `BACKFILL_SOURCE_KEY`.
 * @internal
 */
export async function checkKeyValues(
  context: SourceContext,
  reader: KeyReader,
  query: KeyQuery,
): Promise<void> {
  const { scope, columns } = query;
  for (const column of columns) {
    if (!scope.excludesNull(column.path) && (await reader.hasValue(context, query, column, 'null'))) {
      throw nullKeyError(scope, context, column);
    }
    if (await reader.hasValue(context, query, column, 'other-type')) {
      throw scope.error(context, {
        code: 'BACKFILL_SOURCE_KEY',
        field: column.path,
        expected: `a ${column.type} in every row, as the entity declares it`,
        received: 'rows with a value of another type',
        remedy: 'Correct these rows, or exclude them with `where`.',
      });
    }
  }
}

/** A column that the entity declares as not null is null in the table. */
export function nullKeyError(
  scope: SourceScope,
  context: SourceContext,
  { path }: KeyProperty,
): BackfillSourceError {
  return scope.error(context, {
    code: 'BACKFILL_SOURCE_KEY',
    field: path,
    expected: 'a value in every row, because comparisons never match null',
    received: 'rows in which it is null',
    remedy: `Correct these rows, or exclude them: where: { ${path}: { $ne: null } }.`,
  });
}
