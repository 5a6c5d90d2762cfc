import type { JsonValue, PlannedRange } from '../backfill-source.js';
import { decodeKeyValue, encodeKeyValue } from '../keys/key-codec.js';
import type { KeyBatch, KeyValues } from '../keys/key-reader.js';
import { mergeFilters, nestedFilter, type PlainFilter } from '../plain-filter.js';
import type { SortKey } from '../keys/sort-key.js';

/** A keyset range as stored in Redis. */
export interface KeysetRangeData {
  readonly first: KeyValues;
  readonly last: KeyValues;
  /** Stored so that a range can be decoded without the entity's metadata. */
  readonly tieBreakers: readonly string[];
}

/** The bounds of a partition as stored in Redis. */
export interface KeysetBounds {
  readonly first: KeyValues;
  readonly last: KeyValues;
  readonly rows: number;
  /** The order as text, to detect a deployment that changes it during a run. */
  readonly order: string;
}

/** `[first, last]` or `[first, last, tieBreakers]`. */
export function encodeRange({ first, last, tieBreakers }: KeysetRangeData): JsonValue {
  return [encodeKey(first), encodeKey(last), ...(tieBreakers.length === 0 ? [] : [[...tieBreakers]])];
}

/** @throws TypeError for JSON that `encodeRange` does not produce. */
export function decodeRange(data: JsonValue): KeysetRangeData {
  const [first, last, tieBreakers = []]: readonly JsonValue[] = listOf(data, 'a keyset range');
  return {
    first: decodeKey(first ?? null),
    last: decodeKey(last ?? null),
    tieBreakers: listOf(tieBreakers, 'names of tie-breakers').map(String),
  };
}

/** `[first, last, rows, order]`. */
export function encodeBounds({ first, last, rows, order }: KeysetBounds): JsonValue {
  return [encodeKey(first), encodeKey(last), rows, order];
}

/** @throws TypeError for JSON that `encodeBounds` does not produce. */
export function decodeBounds(bounds: JsonValue): KeysetBounds | undefined {
  if (bounds === null) return undefined;
  const [first, last, rows, order]: readonly JsonValue[] = listOf(bounds, 'keyset bounds');
  return {
    first: decodeKey(first ?? null),
    last: decodeKey(last ?? null),
    rows: Number(rows),
    order: typeof order === 'string' ? order : '',
  };
}

/** The bounds of a sweep: those that were asked for, or none. */
export interface KeysetSweepBounds {
  readonly lower: KeyValues | undefined;
  readonly upper: KeyValues | undefined;
  readonly order: string;
}

/** `[lower, upper, order]`; `null` for an end that is open. */
export function encodeSweepBounds({ lower, upper, order }: KeysetSweepBounds): JsonValue {
  return [lower ? encodeKey(lower) : null, upper ? encodeKey(upper) : null, order];
}

/** @throws TypeError for JSON that `encodeSweepBounds` does not produce. */
export function decodeSweepBounds(bounds: JsonValue): KeysetSweepBounds {
  const [lower = null, upper = null, order] = listOf(bounds, 'the bounds of a sweep');
  return {
    lower: lower === null ? undefined : decodeKey(lower),
    upper: upper === null ? undefined : decodeKey(upper),
    order: typeof order === 'string' ? order : '',
  };
}

export function encodeKey(values: KeyValues): JsonValue {
  return values.map(encodeKeyValue);
}

/** @throws TypeError for JSON that `encodeKey` does not produce. */
export function decodeKey(key: JsonValue): KeyValues {
  return listOf(key, 'a key').map(decodeKeyValue);
}

export function toPlannedRange(
  { first, last, rows }: KeyBatch,
  tieBreakers: readonly string[],
): PlannedRange {
  return { data: encodeRange({ first, last, tieBreakers }), rows };
}

/** A key as an object in the shape of the entity. */
export function toKeyObject(
  sortKeys: readonly SortKey[],
  values: KeyValues,
  convert: (value: unknown) => unknown,
): PlainFilter {
  return sortKeys.reduce<PlainFilter>(
    (key, { path }, i) => mergeFilters(key, nestedFilter(path, convert(values[i]))),
    {},
  );
}

function listOf(value: JsonValue, what: string): readonly JsonValue[] {
  if (!Array.isArray(value)) throw new TypeError(`Expected ${what}, got ${JSON.stringify(value)}`);
  return value as readonly JsonValue[];
}
