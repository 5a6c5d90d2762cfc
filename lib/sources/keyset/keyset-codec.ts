import type { JsonValue, PlannedRange } from '../backfill-source.js';
import { decodeKey, encodeKey } from '../keys/key-codec.js';
import type { KeyBatch, KeyValues } from '../keys/key-reader.js';
import { merge, nested, type PlainFilter } from '../plain-filter.js';
import type { OrderColumn } from '../keys/sort-key.js';

/** A stretch of the walk as Redis keeps it. */
export interface KeysetData {
  readonly first: KeyValues;
  readonly last: KeyValues;
  /** Tie-breakers of the order, kept so that a range can be read without the entity's metadata. */
  readonly appended: readonly string[];
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
export function writeRange({ first, last, appended }: KeysetData): JsonValue {
  return [writeKey(first), writeKey(last), ...(appended.length === 0 ? [] : [[...appended]])];
}

/** @throws TypeError for data that `writeRange` did not make. */
export function readRange(data: JsonValue): KeysetData {
  const [first, last, appended = []]: readonly JsonValue[] = listOf(data, 'a range of a keyset');
  return {
    first: readKey(first ?? null),
    last: readKey(last ?? null),
    appended: listOf(appended, 'names of keys').map(String),
  };
}

/** `[first, last, rows, order]`. */
export function writeBounds({ first, last, rows, order }: KeysetBounds): JsonValue {
  return [writeKey(first), writeKey(last), rows, order];
}

/** @throws TypeError for data that `writeBounds` did not make. */
export function readBounds(bounds: JsonValue): KeysetBounds | undefined {
  if (bounds === null) return undefined;
  const [first, last, rows, order]: readonly JsonValue[] = listOf(bounds, 'bounds of a keyset');
  return {
    first: readKey(first ?? null),
    last: readKey(last ?? null),
    rows: Number(rows),
    order: typeof order === 'string' ? order : '',
  };
}

/** A key as the cursor keeps it. */
export function writeKey(values: KeyValues): JsonValue {
  return values.map(encodeKey);
}

/** @throws TypeError for data that `writeKey` did not make. */
export function readKey(key: JsonValue): KeyValues {
  return listOf(key, 'a key').map(decodeKey);
}

/** A batch of rows as it is planned. */
export function planned({ first, last, rows }: KeyBatch, appended: readonly string[]): PlannedRange {
  return { data: writeRange({ first, last, appended }), rows };
}

/** A key as an object, in the shape of the entity. */
export function keyObject(
  order: readonly OrderColumn[],
  values: KeyValues,
  show: (value: unknown) => unknown,
): PlainFilter {
  return order.reduce<PlainFilter>((key, { path }, i) => merge(key, nested(path, show(values[i]))), {});
}

function listOf(value: JsonValue, what: string): readonly JsonValue[] {
  if (!Array.isArray(value)) throw new TypeError(`Expected ${what}, got ${JSON.stringify(value)}`);
  return value as readonly JsonValue[];
}
