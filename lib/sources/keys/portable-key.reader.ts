import { helper, Reference, Utils } from '@mikro-orm/core';
import type { BackfillSourceError } from '../../errors/backfill-source.error.js';
import type { SourceContext } from '../backfill-source.js';
import { toEntityValue, toReadableValue } from './key-codec.js';
import { closedInterval } from './key-interval.js';
import type { KeyProperty, KeyType } from './key-property.js';
import {
  type KeyQuery,
  type KeyReader,
  type KeyValues,
  toBatches,
  type UndeclaredValue,
} from './key-reader.js';
import { checkKeyTypes } from './check-key-types.js';
import { intervalFilter } from './interval-filter.js';
import { nestedFilter, type PlainFilter } from '../plain-filter.js';

/**
 * Reads keys with `em.find` and `em.count`, which every driver supports. Loads all keys of a plan into the
 * process, not only the boundaries of its batches.
 *
 * @internal
 */
export const portableKeyReader: KeyReader = {
  exactIntegers: false,
  exactTimes: false,

  async boundary(context, query, end) {
    const read = async () => (await readKeys(context, query, { reversed: end === 'last', limit: 1 }))[0];
    const key = await read();
    if (!key) return undefined;
    checkKeyTypes(context, query, key);
    if (await matchesRow(context, query, key)) return key;
    // The row may have been deleted between the two queries.
    const again = await read();
    if (again && formatKey(again) === formatKey(key)) throw roundTripError(context, query, key);
    return again;
  },

  async batches(context, query, batchSize, limit) {
    const keys = await readKeys(context, query, { reversed: false, limit: batchSize * limit });
    return toBatches(new Map(keys.map((key, i) => [i + 1, key])), keys.length, batchSize);
  },

  async total(context, query) {
    context.signal?.throwIfAborted();
    return { rows: await query.scope.count(context, filterOf(query)), exact: true };
  },

  async hasValue(context, { scope, partition }, column, value) {
    context.signal?.throwIfAborted();
    const isDocument = !('createQueryBuilder' in context.em);
    if (value === 'other-type' && !isDocument) return false;
    const filter = scope.filter(partition, undeclaredFilter(column, value));
    // The primary key alone: a value of another type may not convert to the entity's.
    const fields = scope.metadata(context).primaryKeys;
    return (await scope.find(context, filter, { fields, limit: 1, disableIdentityMap: true })).length > 0;
  },

  async indexSupport() {
    return 'unknown';
  },
};

/** Names of the types in a document database. */
const BSON_TYPES: Readonly<Record<KeyType, string>> = {
  number: 'number',
  bigint: 'long',
  string: 'string',
  date: 'date',
  boolean: 'bool',
  bytes: 'binData',
  'object-id': 'objectId',
};

function undeclaredFilter({ path, type }: KeyProperty, value: UndeclaredValue): PlainFilter {
  if (value === 'null') return nestedFilter(path, null);
  if (value === 'other-type') return nestedFilter(path, { $not: { $type: BSON_TYPES[type] } });
  const above = nestedFilter(path, { $gt: Number.MAX_SAFE_INTEGER });
  return { $or: [above, nestedFilter(path, { $lt: -Number.MAX_SAFE_INTEGER })] };
}

async function readKeys(
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

/** Whether a filter made from the key selects a row. */
async function matchesRow(context: SourceContext, query: KeyQuery, key: KeyValues): Promise<boolean> {
  context.signal?.throwIfAborted();
  const filter = filterOf({ ...query, interval: closedInterval(key, key) });
  return (await query.scope.count(context, filter)) > 0;
}

/** The driver reads the key in one format and queries it in another: no range would find its rows. */
function roundTripError(
  context: SourceContext,
  { scope, columns }: KeyQuery,
  key: KeyValues,
): BackfillSourceError {
  return scope.error(context, {
    code: 'BACKFILL_SOURCE_KEY',
    field: columns.map(({ path }) => path).join(', '),
    expected: 'a key that selects its own row',
    received: `${formatKey(key)}, which selects no row`,
    remedy: 'The driver stores this type in another format than it queries: use another key.',
  });
}

function filterOf({ scope, partition, columns, interval }: KeyQuery): PlainFilter {
  const filter = intervalFilter(columns, interval, toEntityValue);
  return scope.filter(partition, ...(filter ? [filter] : []));
}

function formatKey(key: KeyValues): string {
  return JSON.stringify(key.map(toReadableValue));
}

function valueAt(row: object, path: string): unknown {
  let value: unknown = row;
  for (const name of path.split('.')) value = (value as Record<string, unknown> | null)?.[name];
  const target: unknown = Reference.unwrapReference(value as object);
  return Utils.isEntity<object>(target) ? helper(target).getPrimaryKey() : value;
}
