import type { FilterQuery } from '@mikro-orm/core';
import type { BackfillRange } from './backfill-source.js';

/**
 * The value of an integer key, in the type that the entity declares: `number`, `bigint`, or `string` for a
 * `bigint` column that is mapped as text.
 *
 * @publicApi
 */
export type IdValue = number | bigint | string;

/**
 * The ids from `begin` to `end`, as `idRange` hands them to a range handler.
 *
 * @typeParam Entity The entity whose table the source reads.
 * @typeParam Id Type of the ids: that of the key property.
 * @publicApi
 */
export interface IdRange<Entity extends object = object, Id extends IdValue = IdValue> extends BackfillRange {
  /** Smallest id of the range, inclusive, in both directions of the source. */
  readonly begin: Id;
  /** Largest id of the range, inclusive, in both directions of the source. */
  readonly end: Id;
  /** A MikroORM filter that selects exactly the rows of the range, `where` of the source included. */
  readonly where: FilterQuery<Entity>;
}

/**
 * The values of a row's sort keys, tie-breakers included, by property and in the types of the entity. An
 * embeddable's properties are nested as in the entity.
 *
 * @publicApi
 */
export type KeysetKey = Readonly<Record<string, unknown>>;

/**
 * The rows from `first` to `last`, as `keyset` hands them to a range handler.
 *
 * @typeParam Entity The entity whose table the source reads.
 * @publicApi
 */
export interface KeysetRange<Entity extends object = object> extends BackfillRange {
  /** Key of the first row, inclusive, in the order of `orderBy`. */
  readonly first: KeysetKey;
  /** Key of the last row, inclusive, in the order of `orderBy`. */
  readonly last: KeysetKey;
  /**
   * A MikroORM filter that selects exactly the rows of the range, `where` of the source included. Prefer it to
   * `first` and `last`, whose dates are rounded to milliseconds.
   */
  readonly where: FilterQuery<Entity>;
}

/**
 * The records of a file between two byte offsets, as `csvFile` hands them to a range handler.
 *
 * @publicApi
 */
export interface CsvRange extends BackfillRange {
  /** Number of the line at `begin`, from 1. */
  readonly line: number;
  /** Byte offset of the first record, or of empty lines before it. */
  readonly begin: number;
  /** Byte offset after the last record, exclusive as that of `Buffer.subarray`. */
  readonly end: number;
}

/**
 * The items of an array, as `array` hands them to a range handler.
 *
 * @publicApi
 */
export interface ArrayRange extends BackfillRange {
  /** Index of the first item, inclusive. */
  readonly begin: number;
  /** Index of the last item, inclusive. */
  readonly end: number;
}
