import { type EntityMetadata, helper } from '@mikro-orm/core';
import type { JsonValue } from '../backfill-source.js';
import { decodeKeyValue, encodeKeyValue, toFilterValue } from './key-codec.js';
import { findKeyProperty } from './key-property.js';
import { parseKeyValue } from './key-value.js';
import type { PlainFilter } from '../plain-filter.js';

/**
 * The primary key of a row in the readable form that is stored with a failure; a list if it is composite.
 *
 * @internal
 */
export function rowKey(row: object): JsonValue {
  const values = helper(row).getPrimaryKeys() as readonly unknown[] | null;
  const [first, ...others] = (values ?? []).map(toRowKeyValue);
  return others.length === 0 ? (first ?? null) : [first ?? null, ...others];
}

/**
 * A filter for the rows with these primary keys.
 *
 * @throws TypeError if a key is not valid for the entity.
 * @internal
 */
export function rowKeysFilter(meta: EntityMetadata, keys: readonly JsonValue[]): PlainFilter {
  const names: readonly string[] = meta.primaryKeys;
  const [name = ''] = names;
  return names.length === 1
    ? { [name]: { $in: keys.map((key) => parseRowKey(meta, name, key)) } }
    : { $or: keys.map((key) => compositeFilter(meta, names, key)) };
}

function compositeFilter(meta: EntityMetadata, names: readonly string[], key: JsonValue): object {
  const parts: readonly JsonValue[] = Array.isArray(key) ? key : [];
  return Object.fromEntries(
    names.map((name, i) => {
      const value = parseRowKey(meta, name, parts[i] ?? null);
      // The key was read from a `Date` with milliseconds; the column may store microseconds.
      const until = value instanceof Date ? new Date(value.getTime() + 1) : undefined;
      return [name, until ? { $gte: value, $lt: until } : value];
    }),
  );
}

function toRowKeyValue(value: unknown): JsonValue {
  if (typeof value === 'bigint') return value.toString();
  if (value instanceof Date) return value.toISOString();
  if (Array.isArray(value)) return value.map(toRowKeyValue);
  const json = encodeKeyValue(value);
  return typeof json === 'object' && json !== null && 'o' in json ? (json['o'] ?? null) : json;
}

function parseRowKey(meta: EntityMetadata, name: string, json: JsonValue): unknown {
  // A relation to an entity with a composite key: MikroORM accepts the list.
  if (Array.isArray(json)) return json;
  const lookup = findKeyProperty(meta, name);
  const decoded = decodeKeyValue(json);
  if (!lookup.supported) return decoded;
  const { property } = lookup;
  // The column is of integers although the entity maps it as text: the driver reads a number.
  if (property.type === 'string' && typeof decoded === 'number') return decoded;
  const value = parseKeyValue(property, decoded);
  if (value === undefined) {
    throw new TypeError(`Expected a value of ${meta.className}.${name}, got ${JSON.stringify(json)}`);
  }
  return property.type === 'date' ? new Date(String(toFilterValue(value))) : value;
}
