import type { EntityManager } from '@mikro-orm/core';

/** What a source may store in Redis: cursors, bounds and ranges are kept as JSON. */
export type JsonValue =
  string | number | boolean | null | readonly JsonValue[] | { readonly [key: string]: JsonValue };

/** A range as every handler sees it; sources add the fields that describe their own rows. */
export interface BackfillRange {
  /** Number of the range in its run, from 0, in the order of planning. */
  readonly index: number;
  /** The shard or tenant the range belongs to, where the source names partitions. */
  readonly partition?: string;
}

/** A range as a source plans it and the tracker keeps it. */
export interface PlannedRange {
  /** Whatever the source needs to find the rows again. Small: it is kept in Redis until acknowledged. */
  readonly data: JsonValue;
  /** How many rows the range holds: exact where the source knows it, else its best estimate. */
  readonly rows: number;
}

/** What a source is given to reach the database. */
export interface SourceContext {
  /** A fork of its own; the caller clears it. */
  readonly em: EntityManager;
  /** Aborted when the answer is no longer wanted (shutdown, cancel). */
  readonly signal?: AbortSignal;
  /** Name of the backfill, for error messages. */
  readonly backfill: string;
}

/** Where a run is to begin and end, as its starter wrote it; both inclusive, in the order of the walk. */
export interface OpenRequest {
  readonly from?: unknown;
  readonly to?: unknown;
}

/** One walk of a source: a whole table, or one of its shards. */
export interface SourcePartition {
  /** Empty for a source without partitions. */
  readonly name: string;
  /** Taken once, at the start of a run: rows beyond them are not part of it. `null`: nothing to walk. */
  readonly bounds: JsonValue;
}

/** What `open` answers: the bounds of each partition and how many rows lie between them. */
export interface SourceOpening {
  readonly partitions: readonly SourcePartition[];
  readonly total: RowTotal;
}

/** A number of rows, counted or estimated. */
export interface RowTotal {
  readonly rows: number;
  readonly exact: boolean;
}

/** One request of the planner: the next ranges of one partition. */
export interface PlanRequest {
  readonly partition: string;
  readonly bounds: JsonValue;
  /** Where the last plan ended; `null` at the beginning. */
  readonly cursor: JsonValue;
  /** Rows (or ids) a range is to hold. */
  readonly batchSize: number;
  /** Most ranges to answer, at least 1. */
  readonly limit: number;
}

/** The next ranges of a partition, and where planning goes on. */
export interface SourcePlan {
  readonly ranges: readonly PlannedRange[];
  readonly cursor: JsonValue;
  /** True when nothing of the partition is left to plan. */
  readonly exhausted: boolean;
}

/** What a source notices before a run: shown by `preview` and `doctor`. */
export interface SourceWarning {
  readonly code: string;
  readonly message: string;
}

/** What a source knows of a run before it starts. */
export interface SourceInspection {
  readonly warnings: readonly SourceWarning[];
  /** How many ranges the whole walk will be, where it can be told cheaply. */
  readonly totalRanges: number;
}

/**
 * Something that can be walked once, in ranges: `idRange`, `keyset`, or the app's own (an array, a CSV
 * file, a bucket). `open` and `plan` are all that a range handler needs; batch and row handlers also
 * need `load`, and row handlers `keyOf` and `loadKeys`, so that single rows can be retried.
 *
 * Every method may be called in any process and again after a crash: equal arguments must describe
 * equal rows.
 *
 * @publicApi
 */
export interface BackfillSource<TRange extends BackfillRange = BackfillRange, TRow = unknown> {
  /** A short stable word, such as `id-range`; kept with the run and shown in its status. */
  readonly kind: string;
  /** Called once when the app starts; throws when the source cannot work (unknown entity, bad key). */
  prepare?(context: SourceContext): void | Promise<void>;
  /** Takes the bounds of a run. Called once a run. */
  open(context: SourceContext, request: OpenRequest): Promise<SourceOpening>;
  /** Cuts the next ranges of one partition, in the order of the walk. */
  plan(context: SourceContext, request: PlanRequest): Promise<SourcePlan>;
  /** The range as the handler sees it. Default: the fields of `data`, with `index` and `partition`. */
  toRange?(planned: JsonValue, index: number, partition: string): TRange;
  /** Loads the rows of a range, in the order of the walk, for batch and row handlers. */
  load?(context: SourceContext, planned: JsonValue, partition: string): Promise<TRow[]>;
  /** The key of a loaded row, as it is kept with a failure and given back to `loadKeys`. */
  keyOf?(row: TRow): JsonValue;
  /** Loads the rows with these keys; rows that no longer exist (or no longer match) are left out. */
  loadKeys?(context: SourceContext, keys: readonly JsonValue[], partition: string): Promise<TRow[]>;
  /** Halves a range so that a failing row can be isolated; one range or none: it cannot be halved. */
  split?(context: SourceContext, planned: JsonValue, partition: string): Promise<PlannedRange[]>;
  /** A range as a person reads it, in logs and failures. Default: its JSON. */
  describe?(planned: JsonValue): JsonValue;
  /**
   * How many rows still match the source's own filter, for the check that a backfill is through; `null`
   * where it has none, so that it cannot be told from the rows.
   */
  countLeft?(context: SourceContext): Promise<number | null>;
  /** Looks at the table before a run: missing index, sparse ids, number of ranges. */
  inspect?(context: SourceContext, opening: SourceOpening, batchSize: number): Promise<SourceInspection>;
}
