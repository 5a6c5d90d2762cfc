import type { RowTotal, SourceContext } from '../backfill-source.js';
import type { KeyProperty, UnsupportedReason } from './key-property.js';
import type { KeyInterval } from './key-interval.js';
import type { SortKey } from './sort-key.js';
import type { SourceScope } from '../source-scope.js';

/** A sort key, resolved to its column. */
export interface SortColumn extends KeyProperty, SortKey {}

/** The rows of one partition in an interval of keys. */
export interface KeyQuery {
  readonly scope: SourceScope;
  readonly partition: string;
  readonly columns: readonly SortColumn[];
  readonly interval: KeyInterval;
}

/** The values of a key, one for each sort column. */
export type KeyValues = readonly unknown[];

/** Consecutive rows, by the keys of the first and the last one. */
export interface KeyBatch {
  readonly first: KeyValues;
  readonly last: KeyValues;
  readonly rows: number;
}

/** Whether an index provides the source's order; `unknown` if the database does not tell. */
export type IndexSupport = 'indexed' | 'not-indexed' | 'unknown';

/** A value that the entity declares its column not to have: a row with it would be skipped, or taken for another. */
export type UndeclaredValue = 'null' | 'unsafe-integer' | 'other-type';

/**
 * Reads keys in the source's order.
 *
 * @internal
 */
export interface KeyReader {
  /** Whether integers above 2^53 are known to be read without rounding. */
  readonly exactIntegers: boolean;
  /** Whether timestamps are read in the column's precision, not rounded to milliseconds. */
  readonly exactTimes: boolean;
  /** Why a column cannot be a sort column on this database. Default: any column can. */
  unsupportedReason?(column: KeyProperty): UnsupportedReason | undefined;
  /** Converts a value of `from` or `to` to the format in which the reader reads it. Default: no conversion. */
  normalize?(context: SourceContext, column: SortColumn, value: unknown): unknown;
  /** The first or last key of the interval; `undefined` if the interval has no rows. */
  boundary(context: SourceContext, query: KeyQuery, end: 'first' | 'last'): Promise<KeyValues | undefined>;
  /** The first `limit` batches of the interval. Only the last batch of the interval may be smaller. */
  batches(context: SourceContext, query: KeyQuery, batchSize: number, limit: number): Promise<KeyBatch[]>;
  /** Number of rows in the interval; an estimate if counting would take too long. */
  total(context: SourceContext, query: KeyQuery): Promise<RowTotal>;
  /**
   * Whether some row of the partition has such a value in the column. An `unsafe-integer` is one above 2^53, which a
   * JavaScript number rounds; values of an `other-type` than the entity's exist in document databases only.
   */
  hasValue(
    context: SourceContext,
    query: KeyQuery,
    column: KeyProperty,
    value: UndeclaredValue,
  ): Promise<boolean>;
  /** Whether an index provides the order of the columns. */
  indexSupport(context: SourceContext, query: KeyQuery): Promise<IndexSupport>;
}

/**
 * Builds batches from the keys of their first and last rows.
 *
 * @param keys By row number, from 1.
 * @param total Number of rows in all batches.
 */
export function toBatches(
  keys: ReadonlyMap<number, KeyValues>,
  total: number,
  batchSize: number,
): KeyBatch[] {
  return Array.from({ length: Math.ceil(total / batchSize) }, (_, i) => {
    const begin = i * batchSize + 1;
    const end = Math.min(begin + batchSize - 1, total);
    const [first, last] = [keys.get(begin), keys.get(end)];
    if (!first || !last) throw new Error(`Expected the keys of rows ${begin} and ${end}, got a gap`);
    return { first, last, rows: end - begin + 1 };
  });
}
