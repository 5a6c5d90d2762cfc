import type { JsonValue } from '../backfill-source.js';
import { DatabaseTimestamp, parseTimestamp } from './database-timestamp.js';

/** An ObjectId of whatever version of `bson` the app has. */
interface HexStringable {
  toHexString(): string;
}

/**
 * Encodes a key value as JSON that `decodeKeyValue` turns into an equal value. Strings, booleans, `null` and
 * ordinary numbers stand for themselves; everything else is an object with one short key.
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
  if (value instanceof DatabaseTimestamp) return encodeTime(value);
  if (value instanceof Date) return { d: Number.isNaN(value.getTime()) ? '' : value.toISOString() };
  if (value instanceof Uint8Array) {
    return { [Buffer.isBuffer(value) ? 'b' : 'u']: Buffer.from(value).toString('base64') };
  }
  if (isHexStringable(value)) return { o: value.toHexString() };
  throw new TypeError(`Expected a value that can be a key, got ${Object.prototype.toString.call(value)}`);
}

/**
 * Turns what `encodeKeyValue` made back into the value. An ObjectId comes back as its hex string, which
 * MikroORM accepts wherever it accepts the ObjectId.
 *
 * @throws TypeError for JSON that `encodeKeyValue` does not make.
 * @internal
 */
export function decodeKeyValue(json: JsonValue): unknown {
  if (json === null || typeof json !== 'object') return json;
  const [entry, ...others] = Object.entries(json);
  if (!Array.isArray(json) && entry && others.length === 0) {
    const [tag, body] = entry;
    if (tag === 't') return decodeTime(body);
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

/** The value as an entity holds it. */
export function toEntityValue(value: unknown): unknown {
  return value instanceof DatabaseTimestamp ? value.date : value;
}

/** The value as a MikroORM filter needs it to select exactly the rows that hold it. */
export function toFilterValue(value: unknown): unknown {
  return value instanceof DatabaseTimestamp ? value.text : value;
}

/** The value as a person reads it in logs and failures. */
export function toReadableValue(value: unknown): JsonValue {
  if (value instanceof DatabaseTimestamp) return value.text;
  if (typeof value === 'bigint') return value.toString();
  if (value instanceof Date) return Number.isNaN(value.getTime()) ? 'Invalid Date' : value.toISOString();
  if (value instanceof Uint8Array) return Buffer.from(value).toString('hex');
  if (isHexStringable(value)) return value.toHexString();
  return encodeKeyValue(value);
}

function encodeTime({ text, date }: DatabaseTimestamp): JsonValue {
  const time = date.getTime();
  // Kept only where the text alone does not tell: a column without a zone in an app that reads it as local time.
  return { t: Object.is(time, parseTimestamp(text)) ? text : [text, Number.isNaN(time) ? null : time] };
}

function decodeTime(body: unknown): DatabaseTimestamp {
  if (typeof body === 'string') return new DatabaseTimestamp(body, new Date(parseTimestamp(body)));
  const [text, time]: unknown[] = Array.isArray(body) ? body : [];
  if (typeof text !== 'string') throw new TypeError(`Expected an encoded time, got ${JSON.stringify(body)}`);
  return new DatabaseTimestamp(text, new Date(typeof time === 'number' ? time : NaN));
}

function isHexStringable(value: unknown): value is HexStringable {
  return typeof (value as Partial<HexStringable> | null)?.toHexString === 'function';
}
