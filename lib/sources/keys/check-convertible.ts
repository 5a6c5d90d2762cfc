import { describeValue } from '../../errors/describe-value.js';
import type { SourceContext } from '../backfill-source.js';
import type { SourceScope } from '../source-scope.js';
import type { KeyValues, SortColumn } from './key-reader.js';

/**
 * Ensures that MikroORM accepts the keys in filters. A type may refuse a value that the database holds, such as
 * `TimeType` a fraction of a second: no range with this key could be loaded.
 *
 * @throws BackfillSourceError with code `BACKFILL_SOURCE_KEY`.
 * @internal
 */
export function checkConvertible(
  scope: SourceScope,
  context: SourceContext,
  columns: readonly SortColumn[],
  keys: readonly KeyValues[],
): void {
  const platform = context.em.getPlatform();
  for (const [i, { path, customType }] of columns.entries()) {
    const values = customType ? keys.map((key) => key[i]).filter((value) => typeof value === 'string') : [];
    for (const value of values) {
      try {
        customType?.convertToDatabaseValue(value, platform);
      } catch (cause) {
        const problem = {
          code: 'BACKFILL_SOURCE_KEY',
          field: path,
          expected: `values that its type ${customType?.constructor.name} accepts`,
          received: describeValue(value),
          remedy:
            'Map the property with a type that accepts every value of the column, such as a plain string.',
        } as const;
        throw scope.error(context, problem, { cause });
      }
    }
  }
}
