import type { JsonValue } from '../backfill-source.js';
import { DatabaseTimestamp, parseTimestamp } from './database-timestamp.js';

/** MongoDB's ObjectId, without a dependency on `bson`. */
interface HexStringable {
  toHexString(): string;
}

/**
 * Encodes a key value as JSON. Strings, booleans, `null` and finite numbers are unchanged; other values become
 * an object whose only key is a type tag.
 *
 * @throws TypeError for a value that cannot be a key, such as a plain object.
 * @internal
 */
export function encodeKeyValue(value: unknown): JsonValue {
  if (value === null || typeof value === 'string' || typeof value === 'boolean') return value;
  if (typeof value === 'number') {
    return Number.isFinite(value) && !Object.is(value, -0)
      ? value
      : { f: Object.is(value, -0) ? '-0' : `${value}` };
  }
  if (typeof value === 'bigint') return { i: value.toString() };
  if (value instanceof DatabaseTimestamp) return encodeTimestamp(value);
  if (value instanceof Date) return { d: Number.isNaN(value.getTime()) ? '' : value.toISOString() };
  if (value instanceof Uint8Array) {
    return { [Buffer.isBuffer(value) ? 'b' : 'u']: Buffer.from(value).toString('base64') };
  }
  if (isHexStringable(value)) return { o: value.toHexString() };
  throw new TypeError(`Expected a value that can be a key, got ${Object.prototype.toString.call(value)}`);
}

/**
 * Decodes the JSON of `encodeKeyValue` to an equal value. An ObjectId is decoded to its hex string, which
 * MikroORM accepts in place of the ObjectId.
 *
 * @throws TypeError for JSON that `encodeKeyValue` does not produce.
 * @internal
 */
export function decodeKeyValue(json: JsonValue): unknown {
  if (json === null || typeof json !== 'object') return json;
  const [entry, ...others] = Object.entries(json);
  if (!Array.isArray(json) && entry && others.length === 0) {
    const [tag, body] = entry;
    if (tag === 't') return decodeTimestamp(body);
    if (typeof body === 'string') {
      switch (tag) {
        case 'f':
          return Number(body);
        case 'i':
          return BigInt(body);
        case 'd':
          return new Date(body);
        case 'b':
          return Buffer.from(body, 'base64');
        case 'u':
          return new Uint8Array(Buffer.from(body, 'base64'));
        case 'o':
          return body;
      }
    }
  }
  throw new TypeError(`Expected an encoded key, got ${JSON.stringify(json)}`);
}

/** The value in the entity's type. */
export function toEntityValue(value: unknown): unknown {
  return value instanceof DatabaseTimestamp ? value.date : value;
}

/** The value as an operand of a filter: it compares equal to the stored value, microseconds included. */
export function toFilterValue(value: unknown): unknown {
  return value instanceof DatabaseTimestamp ? value.text : value;
}

/** The value formatted for logs and failures. */
export function toReadableValue(value: unknown): JsonValue {
  if (value instanceof DatabaseTimestamp) return value.text;
  if (typeof value === 'bigint') return value.toString();
  if (value instanceof Date) return Number.isNaN(value.getTime()) ? 'Invalid Date' : value.toISOString();
  if (value instanceof Uint8Array) return Buffer.from(value).toString('hex');
  if (isHexStringable(value)) return value.toHexString();
  return encodeKeyValue(value);
}

function encodeTimestamp({ text, date }: DatabaseTimestamp): JsonValue {
  const time = date.getTime();
  // The time is stored only if it does not follow from the text: MikroORM may read a text without UTC offset
  // in another time zone than UTC.
  return { t: Object.is(time, parseTimestamp(text)) ? text : [text, Number.isNaN(time) ? null : time] };
}

function decodeTimestamp(body: unknown): DatabaseTimestamp {
  if (typeof body === 'string') return new DatabaseTimestamp(body, new Date(parseTimestamp(body)));
  const [text, time]: unknown[] = Array.isArray(body) ? body : [];
  if (typeof text !== 'string')
    throw new TypeError(`Expected an encoded timestamp, got ${JSON.stringify(body)}`);
  return new DatabaseTimestamp(text, new Date(typeof time === 'number' ? time : NaN));
}

function isHexStringable(value: unknown): value is HexStringable {
  return typeof (value as Partial<HexStringable> | null)?.toHexString === 'function';
}
