import { createHash } from 'node:crypto';
import { RawQueryFragment, Utils } from '@mikro-orm/core';
import { rowKey } from './keys/row-keys.js';
import { isEmptyFilter } from './plain-filter.js';

/** A longer description is stored as its beginning and a digest. */
const MAX_LENGTH = 400;
const TIME = '<time>';
/** Epoch milliseconds from 2001 to 2049. */
const EPOCH_MS = { from: 1e12, to: 2.5e12 };
const MINUTE_MS = 60_000;
/** The key of a raw fragment in MikroORM 6, which ends with a number of the process. */
const RAW_KEY = /^\[raw\]: (.*?)(?: \(#\d+\))?$/s;
const UNORDERED = new Set(['$in', '$nin', '$and', '$or']);

/**
 * A filter as text, by which the processes of an app find out whether they mean the same rows. Equal for filters that
 * are written in another order. A time that is not a whole minute is assumed to be the time at which the app started,
 * or to be derived from it, and is left out.
 *
 * Processes of different versions compare the text, so it must stay as it is.
 */
export function describeFilter(filter: unknown): string {
  if (isEmptyFilter(filter)) return 'none';
  const text = JSON.stringify(normalized(filter));
  if (text.length <= MAX_LENGTH) return text;
  const digest = createHash('sha1').update(text).digest('base64url');
  return `${text.slice(0, MAX_LENGTH)}… (SHA-1 ${digest})`;
}

function normalized(value: unknown): unknown {
  switch (typeof value) {
    case 'string':
      return isIsoTime(value) ? timeOf(new Date(value).getTime(), value) : value;
    case 'number':
      return value >= EPOCH_MS.from && value <= EPOCH_MS.to ? timeOf(value, value) : value;
    case 'bigint':
      return value.toString();
    case 'symbol':
    case 'function':
      return keyText(value);
    case 'object':
      return value === null ? null : normalizedObject(value);
    default:
      return value;
  }
}

function normalizedObject(value: object): unknown {
  if (value instanceof Date) return timeOf(value.getTime(), value);
  if (value instanceof Uint8Array) return Buffer.from(value).toString('hex');
  if (value instanceof RegExp) return String(value);
  if (value instanceof RawQueryFragment) return { raw: value.sql, params: normalized(value.params) };
  if (Array.isArray(value) || value instanceof Set) return [...value].map(normalized);
  if (Utils.isEntity<object>(value)) return rowKey(value);
  if (!Utils.isPlainObject(value)) return foreign(value);
  const entries = Reflect.ownKeys(value)
    .map((key): [string, unknown] => [keyText(key), condition(key, Reflect.get(value, key))])
    .filter(([, part]) => part !== undefined)
    .toSorted(([a], [b]) => (a < b ? -1 : 1));
  const [only] = entries;
  return only?.[0] === '$eq' && entries.length === 1 ? only[1] : Object.fromEntries(entries);
}

/** The value of a key, in one order where the order has no meaning. */
function condition(key: string | symbol, value: unknown): unknown {
  const part = normalized(value);
  if (!Array.isArray(part) || !UNORDERED.has(String(key))) return part;
  const texts = part.map((item) => JSON.stringify(item)).toSorted();
  return texts.map((text) => JSON.parse(text) as unknown);
}

function keyText(key: unknown): string {
  if (typeof key !== 'symbol') return String(key).replace(RAW_KEY, 'raw $1');
  const fragment = RawQueryFragment.getKnownFragment(key);
  return fragment
    ? `raw ${fragment.sql} ${JSON.stringify(normalized(fragment.params))}`
    : (key.description ?? '');
}

/** An object of a class: an ObjectId, a decimal, a date of a library. */
function foreign(value: object): unknown {
  const json: unknown = 'toJSON' in value && typeof value.toJSON === 'function' ? value.toJSON() : value;
  return normalized(typeof json === 'object' && json !== null ? { ...json } : json);
}

function isIsoTime(text: string): boolean {
  return /^\d{4}-\d\d-\d\dT\d\d:\d\d/.test(text);
}

/** A time, unless it was computed: times that people write are whole minutes. */
function timeOf(ms: number, written: unknown): unknown {
  return Number.isNaN(ms) || ms % MINUTE_MS === 0 ? written : TIME;
}
