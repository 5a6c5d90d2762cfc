import type { JsonValue, PlannedRange } from '../backfill-source.js';
import { decodeKeyValue, encodeKeyValue } from '../keys/key-codec.js';
import type { KeyBatch, KeyValues } from '../keys/key-reader.js';
import { mergeFilters, nestedFilter, type PlainFilter } from '../plain-filter.js';
import type { SortKey } from '../keys/sort-key.js';

/** A stretch of the walk as Redis keeps it. */
export interface KeysetRangeData {
  readonly first: KeyValues;
  readonly last: KeyValues;
  /** Tie-breakers of the order, kept so that a range can be read without the entity's metadata. */
  readonly tieBreakers: readonly string[];
}

/** Bounds of a partition as Redis keeps them. */
export interface KeysetBounds {
  readonly first: KeyValues;
  readonly last: KeyValues;
  readonly rows: number;
  /** The order of the walk in words: that of a deployment in the middle of a run may differ. */
  readonly order: string;
}

/** `[first, last]`, and the tie-breakers where there are any. */
export function encodeRange({ first, last, tieBreakers }: KeysetRangeData): JsonValue {
  return [encodeKey(first), encodeKey(last), ...(tieBreakers.length === 0 ? [] : [[...tieBreakers]])];
}

/** @throws TypeError for data that `encodeRange` did not make. */
export function decodeRange(data: JsonValue): KeysetRangeData {
  const [first, last, tieBreakers = []]: readonly JsonValue[] = listOf(data, 'a range of a keyset');
  return {
    first: decodeKey(first ?? null),
    last: decodeKey(last ?? null),
    tieBreakers: listOf(tieBreakers, 'names of keys').map(String),
  };
}

/** `[first, last, rows, order]`. */
export function encodeBounds({ first, last, rows, order }: KeysetBounds): JsonValue {
  return [encodeKey(first), encodeKey(last), rows, order];
}

/** @throws TypeError for data that `encodeBounds` did not make. */
export function decodeBounds(bounds: JsonValue): KeysetBounds | undefined {
  if (bounds === null) return undefined;
  const [first, last, rows, order]: readonly JsonValue[] = listOf(bounds, 'bounds of a keyset');
  return {
    first: decodeKey(first ?? null),
    last: decodeKey(last ?? null),
    rows: Number(rows),
    order: typeof order === 'string' ? order : '',
  };
}

/** A key as the cursor keeps it. */
export function encodeKey(values: KeyValues): JsonValue {
  return values.map(encodeKeyValue);
}

/** @throws TypeError for data that `encodeKey` did not make. */
export function decodeKey(key: JsonValue): KeyValues {
  return listOf(key, 'a key').map(decodeKeyValue);
}

/** A batch of rows as it is planned. */
export function toPlannedRange(
  { first, last, rows }: KeyBatch,
  tieBreakers: readonly string[],
): PlannedRange {
  return { data: encodeRange({ first, last, tieBreakers }), rows };
}

/** A key as an object, in the shape of the entity. */
export function keyObject(
  order: readonly SortKey[],
  values: KeyValues,
  show: (value: unknown) => unknown,
): PlainFilter {
  return order.reduce<PlainFilter>(
    (key, { path }, i) => mergeFilters(key, nestedFilter(path, show(values[i]))),
    {},
  );
}

function listOf(value: JsonValue, what: string): readonly JsonValue[] {
  if (!Array.isArray(value)) throw new TypeError(`Expected ${what}, got ${JSON.stringify(value)}`);
  return value as readonly JsonValue[];
}
