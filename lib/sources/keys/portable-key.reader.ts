import { helper, Reference, Utils } from '@mikro-orm/core';
import type { SourceContext } from '../backfill-source.js';
import { toEntityValue } from './key-codec.js';
import { type KeyQuery, type KeyReader, type KeyValues, toBatches } from './key-reader.js';
import { checkKeyTypes, keyNotFoundError, formatKey } from './check-key-types.js';
import { intervalFilter } from './interval-filter.js';
import { nestedFilter, type PlainFilter } from '../plain-filter.js';

/**
 * Reads keys with `em.find` alone, so that it serves every driver. The keys of a whole cycle pass through
 * the process.
 *
 * @internal
 */
export const portableKeyReader: KeyReader = {
  exactIntegers: false,
  exactTimes: false,

  async boundary(context, query, end) {
    const read = async () => (await keys(context, query, { reversed: end === 'last', limit: 1 }))[0];
    const key = await read();
    if (!key) return undefined;
    checkKeyTypes(context, query, key);
    if (await findsAgain(context, query, key)) return key;
    // Its row may have gone in between.
    const again = await read();
    if (again && formatKey(again) === formatKey(key)) throw keyNotFoundError(context, query, key);
    return again;
  },

  async batches(context, query, batchSize, limit) {
    const all = await keys(context, query, { reversed: false, limit: batchSize * limit });
    return toBatches(new Map(all.map((key, i) => [i + 1, key])), all.length, batchSize);
  },

  async total(context, query) {
    context.signal?.throwIfAborted();
    return { rows: await query.scope.count(context, filterOf(query)), exact: true };
  },

  async indexSupport() {
    return 'unknown';
  },
};

async function keys(
  context: SourceContext,
  query: KeyQuery,
  { reversed, limit }: { reversed: boolean; limit: number },
): Promise<KeyValues[]> {
  context.signal?.throwIfAborted();
  const { scope, columns } = query;
  const rows = await scope.find(context, filterOf(query), {
    fields: columns.map(({ path }) => path),
    orderBy: columns.map(({ path, direction }) =>
      nestedFilter(path, (direction === 'asc') === reversed ? 'desc' : 'asc'),
    ),
    limit,
    disableIdentityMap: true,
  });
  return rows.map((row) => columns.map(({ path }) => valueAt(row, path)));
}

async function findsAgain(context: SourceContext, query: KeyQuery, key: KeyValues): Promise<boolean> {
  context.signal?.throwIfAborted();
  const bound = { values: key, inclusive: true };
  const filter = filterOf({ ...query, interval: { lower: bound, upper: bound } });
  return (await query.scope.count(context, filter)) > 0;
}

function filterOf({ scope, partition, columns, interval }: KeyQuery): PlainFilter {
  const filter = intervalFilter(columns, interval, toEntityValue);
  return scope.filter(partition, ...(filter ? [filter] : []));
}

function valueAt(row: object, path: string): unknown {
  let value: unknown = row;
  for (const name of path.split('.')) value = (value as Record<string, unknown> | null)?.[name];
  const target: unknown = Reference.unwrapReference(value as object);
  return Utils.isEntity<object>(target) ? helper(target).getPrimaryKey() : value;
}
