import type { JsonValue } from '../backfill-source.js';
import type { IdInterval } from './id-interval.js';
import type { IdValue } from '../ranges.js';

/** The JavaScript type of an id. */
export type IdType = 'number' | 'bigint' | 'string';

/** A range of ids as stored in Redis. */
export interface IdRangeData extends IdInterval {
  /** Path of the id property; stored so that a range can be decoded without the entity's metadata. */
  readonly key: string;
  readonly type: IdType;
}

/** The bounds of a partition as stored in Redis. */
export interface IdBounds extends IdInterval {
  readonly rows: number;
  /** Key and direction as text, to detect a deployment that changes them during a run. */
  readonly order: string;
}

/** `["1", "20", "id"]`, or `["1", "20", "id", type]` if the type is not `number`. */
export function encodeIdRange({ low, high, key, type }: IdRangeData): JsonValue {
  return [low.toString(), high.toString(), key, ...(type === 'number' ? [] : [type])];
}

/** @throws TypeError for JSON that `encodeIdRange` does not produce. */
export function decodeIdRange(data: JsonValue): IdRangeData {
  const [low, high, key, type = 'number']: readonly JsonValue[] = Array.isArray(data) ? data : [];
  if (typeof low !== 'string' || typeof high !== 'string' || typeof key !== 'string') {
    throw new TypeError(`Expected a range of ids, got ${JSON.stringify(data)}`);
  }
  return { low: BigInt(low), high: BigInt(high), key, type: type as IdType };
}

/** `["1", "1000", 1000, "id desc"]`. */
export function encodeIdBounds({ low, high, rows, order }: IdBounds): JsonValue {
  return [low.toString(), high.toString(), rows, order];
}

/** @throws TypeError for JSON that `encodeIdBounds` does not produce. */
export function decodeIdBounds(bounds: JsonValue): IdBounds | undefined {
  if (bounds === null) return undefined;
  const [low, high, rows, order]: readonly JsonValue[] = Array.isArray(bounds) ? bounds : [];
  if (typeof low !== 'string' || typeof high !== 'string' || typeof rows !== 'number') {
    throw new TypeError(`Expected bounds of ids, got ${JSON.stringify(bounds)}`);
  }
  return { low: BigInt(low), high: BigInt(high), rows, order: typeof order === 'string' ? order : '' };
}

/** The bounds of a sweep: those that were asked for, or none. */
export interface IdSweepBounds {
  readonly low: bigint | undefined;
  readonly high: bigint | undefined;
  readonly order: string;
}

/** `["1", "1000", "id desc"]`; `null` for an end that is open. */
export function encodeIdSweepBounds({ low, high, order }: IdSweepBounds): JsonValue {
  return [low?.toString() ?? null, high?.toString() ?? null, order];
}

/** Reads what `encodeIdSweepBounds` wrote. */
export function decodeIdSweepBounds(bounds: JsonValue): IdSweepBounds {
  const [low, high, order]: readonly JsonValue[] = Array.isArray(bounds) ? bounds : [];
  return {
    low: typeof low === 'string' ? BigInt(low) : undefined,
    high: typeof high === 'string' ? BigInt(high) : undefined,
    order: typeof order === 'string' ? order : '',
  };
}

/** An id in the type of the entity's property. */
export function toIdValue(value: bigint, type: IdType): IdValue {
  if (type === 'bigint') return value;
  return type === 'string' ? value.toString() : Number(value);
}
