import type { RowTotal, SourceContext } from '../backfill-source.js';
import type { KeyProperty, UnsupportedReason } from './key-property.js';
import type { KeyInterval } from './key-interval.js';
import type { SortKey } from './sort-key.js';
import type { SourceScope } from '../source-scope.js';

/** A column that a walk follows. */
export interface SortColumn extends KeyProperty, SortKey {}

/** A stretch of one partition's walk. */
export interface KeyQuery {
  readonly scope: SourceScope;
  readonly partition: string;
  readonly columns: readonly SortColumn[];
  readonly interval: KeyInterval;
}

/** The values of a key, one for each column of the walk. */
export type KeyValues = readonly unknown[];

/** Rows that stand together in the walk. */
export interface KeyBatch {
  readonly first: KeyValues;
  readonly last: KeyValues;
  readonly rows: number;
}

/** Whether an index serves the order of a source; `unknown` where the database does not tell. */
export type IndexSupport = 'indexed' | 'not-indexed' | 'unknown';

/**
 * Reads keys in the order of a walk.
 *
 * @internal
 */
export interface KeyReader {
  /** Whether integers pass from the table to the entity with all their digits. */
  readonly exactIntegers: boolean;
  /** Whether times keep what they have beyond milliseconds. */
  readonly exactTimes: boolean;
  /** Why the database cannot walk a column in its own order. Default: it can. */
  unsupportedReason?(column: KeyProperty): UnsupportedReason | undefined;
  /** A value that was given from outside, as the reader itself would answer it. Default: as it stands. */
  normalize?(context: SourceContext, column: SortColumn, value: unknown): unknown;
  /** The outermost key of the interval on one end. */
  boundary(context: SourceContext, query: KeyQuery, end: 'first' | 'last'): Promise<KeyValues | undefined>;
  /** The next batches of the interval, each of `batchSize` rows but the very last. */
  batches(context: SourceContext, query: KeyQuery, batchSize: number, limit: number): Promise<KeyBatch[]>;
  /** How many rows the interval holds: counted where that is cheap. */
  total(context: SourceContext, query: KeyQuery): Promise<RowTotal>;
  /** Whether an index gives the order of the walk; `undefined` where it cannot be told. */
  indexSupport(context: SourceContext, query: KeyQuery): Promise<IndexSupport>;
}

/** Pairs up the rows that begin and end a batch, given by their number from 1. */
export function toBatches(
  rows: ReadonlyMap<number, KeyValues>,
  total: number,
  batchSize: number,
): KeyBatch[] {
  return Array.from({ length: Math.ceil(total / batchSize) }, (_, i) => {
    const begin = i * batchSize + 1;
    const end = Math.min(begin + batchSize - 1, total);
    const [first, last] = [rows.get(begin), rows.get(end)];
    if (!first || !last) throw new Error(`Expected rows ${begin} and ${end} of the walk, got a gap`);
    return { first, last, rows: end - begin + 1 };
  });
}
