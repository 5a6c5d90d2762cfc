import type { EntityManager } from '@mikro-orm/core';

/**
 * A value that JSON can represent. Bounds, cursors, ranges and keys of a source are stored in Redis as JSON.
 *
 * @publicApi
 */
export type JsonValue =
  string | number | boolean | null | readonly JsonValue[] | { readonly [key: string]: JsonValue };

/**
 * The fields that every range has. A source adds fields that identify its own rows, as `IdRange` and
 * `KeysetRange` do.
 *
 * @publicApi
 */
export interface BackfillRange {
  /** Sequence number of the range in its run, from 0, in planning order. */
  readonly index: number;
  /** Name of the partition (shard, tenant) the range belongs to; absent when the source has no partitions. */
  readonly partition?: string;
}

/**
 * A range as `plan` and `split` return it.
 *
 * @publicApi
 */
export interface PlannedRange {
  /** What the source needs to find the rows again. Kept in Redis until the range is settled, so keep it small. */
  readonly data: JsonValue;
  /**
   * Number of rows in the range: exact if the source knows it, otherwise an estimate. Taken as exact where the total of
   * `open` is, unless the source says `estimatesRows`, or where the source has `countPlanned`.
   */
  readonly rows: number;
}

/**
 * What each method of a source gets in order to read its rows.
 *
 * @publicApi
 */
export interface SourceContext {
  /** A fork for this call alone; the caller clears it. */
  readonly em: EntityManager;
  /** Aborted when the result is no longer needed, for example at shutdown. Absent: the call cannot be aborted. */
  readonly signal?: AbortSignal;
  /** Name of the backfill, for error messages. */
  readonly backfill: string;
}

/**
 * The bounds that the caller of `start` or `preview` asked for, not validated. The source defines their
 * format; both are inclusive and in the source's order.
 *
 * @publicApi
 */
export interface OpenRequest {
  /** First row of the run. Default: the first row of the source. */
  readonly from?: unknown;
  /** Last row of the run. Default: the last row of the source. */
  readonly to?: unknown;
}

/**
 * A part of a source that is planned with bounds and a cursor of its own: a shard, a tenant, or the whole
 * source.
 *
 * @publicApi
 */
export interface SourcePartition {
  /** Unique within the source; the empty string for a source without partitions. */
  readonly name: string;
  /** Fixed when the run starts: rows beyond them are not part of the run. `null`: the partition has no rows. */
  readonly bounds: JsonValue;
  /** Rows between its bounds, for its percentage in the status. Absent: not known. */
  readonly total?: RowTotal;
}

/**
 * The result of `open`.
 *
 * @publicApi
 */
export interface SourceOpening {
  /** The planner takes them in turn, so that none waits for another to end. */
  readonly partitions: readonly SourcePartition[];
  /** Rows between the bounds of all partitions. */
  readonly total: RowTotal;
}

/**
 * A number of rows, counted or estimated.
 *
 * @publicApi
 */
export interface RowTotal {
  readonly rows: number;
  /** `true` if the rows were counted, `false` if the number is an estimate, such as the database's statistics. */
  readonly exact: boolean;
}

/**
 * What a completed run has covered.
 *
 * @publicApi
 */
export interface SourceCoverage {
  /** What `open` returned for the run. */
  readonly partitions: readonly SourcePartition[];
  /** Whether the run was started with `from`. If not, rows before its bounds were added later and count as covered. */
  readonly from: boolean;
  /** Whether the run was started with `to`. If not, rows after its bounds were added later and count as covered. */
  readonly to: boolean;
}

/**
 * A request for the next ranges of one partition.
 *
 * @publicApi
 */
export interface PlanRequest {
  /** Name of the partition; the empty string for a source without partitions. */
  readonly partition: string;
  /** What `open` returned for the partition. */
  readonly bounds: JsonValue;
  /** The cursor of the previous plan; `null` for the first. */
  readonly cursor: JsonValue;
  /** Rows per range; ids per range for sources that, like `idRange`, do not count rows while they plan. */
  readonly batchSize: number;
  /** Maximum number of ranges to return, at least 1. */
  readonly limit: number;
}

/**
 * A request for the next ranges of one partition, of which the rows are counted.
 *
 * @publicApi
 */
export interface ExactPlanRequest extends PlanRequest {
  /** Most rows of all ranges together: at least `batchSize` x `limit`. */
  readonly rows: number;
}

/**
 * The next ranges of a partition.
 *
 * @publicApi
 */
export interface SourcePlan {
  /** In the source's order, at most `limit`. */
  readonly ranges: readonly PlannedRange[];
  /** Where the next plan continues: everything before it has been planned. */
  readonly cursor: JsonValue;
  /** `true` when the partition has nothing left to plan. */
  readonly exhausted: boolean;
}

/**
 * A problem that a source detects before a run. `preview` and `doctor` show it.
 *
 * @publicApi
 */
export interface SourceWarning {
  /** Stable identifier, such as `NO_INDEX` or `SPARSE_IDS`. */
  readonly code: string;
  /** The problem and what to do about it, in whole sentences. */
  readonly message: string;
}

/**
 * The result of `inspect`.
 *
 * @publicApi
 */
export interface SourceInspection {
  /** Empty if the source detects no problem. */
  readonly warnings: readonly SourceWarning[];
  /** Number of ranges in the whole run, exact or estimated. */
  readonly totalRanges: number;
}

/**
 * What the handler of a backfill needs of its source.
 *
 * @publicApi
 */
export interface SourceUse {
  /** `true` for batch and row handlers, whose rows `load` loads; `false` for range handlers. */
  readonly loadsRows: boolean;
}

/**
 * A partition of a source in a database of its own.
 *
 * @internal
 */
export interface SourceDatabase {
  readonly partition: string;
  /** Absent: the database of the backfill. */
  readonly contextName: string | undefined;
  /** The filter of the partition, as text. */
  readonly filter: string;
  /** Has this partition alone. */
  readonly source: BackfillSource;
}

/**
 * A set of rows that a backfill processes in ranges: `idRange`, `keyset`, `csvFile`, `array`, or the app's own (a bucket,
 * another service).
 *
 * `open` and `plan` suffice for range handlers. Batch handlers also need `load`; row handlers need `load`,
 * `keyOf` and `loadKeys`, so that single rows can be retried.
 *
 * Methods must be deterministic and free of state: any process may call them, again after a crash, and equal
 * arguments must identify the same rows. What they answer is parsed: a malformed answer of `open` rejects `start`, one of
 * `plan` pauses the run, and one of the other methods fails the range.
 *
 * @typeParam TRange What a range handler gets.
 * @typeParam TRow What batch and row handlers get.
 * @example
 * ```ts
 * class NumberSource implements BackfillSource<BackfillRange & { begin: number; end: number }> {
 *   readonly kind = 'numbers';
 *
 *   async open(): Promise<SourceOpening> {
 *     return { partitions: [{ name: '', bounds: 1_000 }], total: { rows: 1_000, exact: true } };
 *   }
 *
 *   async plan(_: SourceContext, { bounds, cursor, batchSize, limit }: PlanRequest): Promise<SourcePlan> {
 *     const ranges: PlannedRange[] = [];
 *     let begin = Number(cursor ?? 1);
 *     for (; begin <= Number(bounds) && ranges.length < limit; begin += batchSize) {
 *       const end = Math.min(begin + batchSize - 1, Number(bounds));
 *       ranges.push({ data: { begin, end }, rows: end - begin + 1 });
 *     }
 *     return { ranges, cursor: begin, exhausted: begin > Number(bounds) };
 *   }
 * }
 * ```
 * @publicApi
 */
export interface BackfillSource<TRange extends BackfillRange = BackfillRange, TRow = unknown> {
  /** A short stable name, such as `id-range`. Stored with the run. */
  readonly kind: string;

  /**
   * True: the `rows` of planned ranges are estimates, although the total of `open` may be exact. Otherwise rows that
   * are planned and not loaded are reported as `rowsMissing`. Default: false.
   */
  readonly estimatesRows?: boolean;

  /**
   * The entities whose tables it reads, for a database that a test makes. Default: none.
   *
   * @internal
   */
  entities?(): readonly unknown[];

  /**
   * Its partitions, where these are in several databases: each is a backfill of its own. Default: none.
   *
   * @internal
   */
  databases?(): readonly SourceDatabase[];

  /**
   * Validates the source when the app starts. Default: no validation.
   *
   * Where it asks the database and that does not answer, the app starts without the backfill, and calls this again until
   * it does. An error then is logged, and this process does not work on the backfill.
   *
   * @param use What the handler needs of the source. Absent: ranges only.
   * @throws Any error but one of a database that cannot be reached stops the app from starting; use it for an unknown
   * entity or an unsuitable key.
   */
  prepare?(context: SourceContext, use?: SourceUse): void | Promise<void>;

  /**
   * Describes the walk, part by part: all that determines, beside the bounds, which rows a range has, such as
   * `order` and `where`. Stored with the run. A process whose source describes a part otherwise, or no longer has it,
   * works on no range of the run and says so; parts that are new are no difference. Default: only `kind` is compared.
   *
   * The text of a part must not depend on the process, its start or the time, or each deploy would stop the run.
   */
  walk?(context: SourceContext): Readonly<Record<string, string>>;

  /**
   * What the bounds tell about the walk of a run that was started before `walk` existed; `null` for a part of which
   * only the presence is known.
   *
   * @internal
   */
  walkOfBounds?(partitions: readonly SourcePartition[]): Readonly<Record<string, string | null>>;

  /**
   * Determines the bounds of a run. Called once for each run, and for each preview.
   *
   * @throws An error rejects `start` or `preview`; use it for an invalid `from` or `to`.
   */
  open(context: SourceContext, request: OpenRequest): Promise<SourceOpening>;

  /**
   * Returns the next ranges of one partition, in the source's order.
   *
   * @throws Database timeouts unchanged: the planner then retries with half the `limit`.
   */
  plan(context: SourceContext, request: PlanRequest): Promise<SourcePlan>;

  /**
   * A cursor of `plan` at about this fraction of the walk of a partition, without reading rows, for a rehearsal on random
   * places of a large table; `null` where the bounds do not tell. Default: rehearsals draw among the first 1,000 ranges.
   *
   * @param bounds What `open` returned for the partition.
   * @param fraction 0 or more, less than 1.
   */
  cursorAt?(bounds: JsonValue, fraction: number): JsonValue;

  /**
   * Returns the next ranges of one partition as `plan` does, with the same cursors, but with the exact number of their rows
   * as `rows`: at most `batchSize` each. Called instead of `plan` as long as the rows of a canary are handed out, which are
   * counted by these numbers. Ranges may be few or none where little matches: the cursor must advance all the same.
   * Default: `plan`, where its `rows` are exact; other sources cannot have a canary.
   *
   * @throws An error for the first range rejects a `start` with `canary`.
   */
  planExact?(context: SourceContext, request: ExactPlanRequest): Promise<SourcePlan>;

  /**
   * Determines the bounds of a sweep, in which a verified run does what matches the filter of the source after the walk:
   * rows that the app inserted or changed back meanwhile, wherever they are. Called when a verified run is started, and
   * before each sweep. `total` of `open` has no counterpart here: the rows are counted page by page.
   *
   * `null` where rows do not stop matching once they are processed, because the source has no filter: then nothing tells
   * the rows that are left from those that are done. Default: a verification cannot sweep the source.
   *
   * @param request What `start` was given, after `JSON.parse(JSON.stringify(...))`.
   * @throws An error rejects `start`, and pauses a run that is under way.
   */
  openSweep?(context: SourceContext, request: OpenRequest): Promise<readonly SourcePartition[] | null>;

  /**
   * Returns the next ranges of a sweep, as `plan` does for the walk, with the bounds of `openSweep`. The `rows` of its
   * ranges are added up to tell how many are left, so they should be exact. Ranges may be few or none where little
   * matches: the cursor must advance all the same, so that a single query does not read the whole table. Default: `plan`.
   */
  planSweep?(context: SourceContext, request: PlanRequest): Promise<SourcePlan>;

  /**
   * Whether the rows at the bounds of a walk, which it has processed, match the filter still: then as many left rows as
   * it had are the same rows, and a sweep would only process all of them again. Default: they may.
   *
   * @internal
   */
  stillMatches?(context: SourceContext, partitions: readonly SourcePartition[]): Promise<boolean>;

  /** Builds the range that a range handler gets. Default: the fields of `data`, with `index` and `partition`. */
  toRange?(planned: JsonValue, index: number, partition: string): TRange;

  /** Loads the rows of a range, in the source's order. Required by batch and row handlers. */
  load?(context: SourceContext, planned: JsonValue, partition: string): Promise<TRow[]>;

  /**
   * Counts the rows of a range that are there now, as `plan` counts them and without `load`; at most `limit`. Called
   * where `load` returned fewer rows than were planned: those that are counted and were not loaded are missing, the
   * others were deleted or no longer match. Default: all of them are missing.
   */
  countPlanned?(
    context: SourceContext,
    planned: JsonValue,
    partition: string,
    limit: number,
  ): Promise<number>;

  /** Returns the key that identifies a row; stored with its failure and passed to `loadKeys`. */
  keyOf?(row: TRow): JsonValue;

  /** Loads the rows with these keys, without those that no longer exist or no longer match. */
  loadKeys?(context: SourceContext, keys: readonly JsonValue[], partition: string): Promise<TRow[]>;

  /**
   * Loads the rows with these keys, also those that no longer match, for the sample of a verification. Default: `loadKeys`,
   * which for a source without a filter is the same.
   */
  loadKeysUnfiltered?(context: SourceContext, keys: readonly JsonValue[], partition: string): Promise<TRow[]>;

  /**
   * Splits a range in two so that a failing row can be isolated, without loading its rows: one of them may be the
   * row that cannot be loaded. Fewer than two ranges: it cannot be split, and counts as a failed row if it has one,
   * else as a failed range. Default: ranges are not split.
   */
  split?(context: SourceContext, planned: JsonValue, partition: string): Promise<PlannedRange[]>;

  /** Formats a range for previews and failures. Default: its `data`. */
  describe?(planned: JsonValue): JsonValue;

  /**
   * Counts the rows that still match the source's filter. `null` if it has no filter: then the rows do not
   * show whether they were processed. Default: `null`.
   */
  countLeft?(context: SourceContext): Promise<number | null>;

  /**
   * Counts the rows that none of these runs has covered, for `ensureCompleted`. Default: a backfill whose newest run was
   * started with `from` or `to` counts as complete only after a run without.
   */
  countOutside?(context: SourceContext, runs: readonly SourceCoverage[]): Promise<number>;

  /**
   * Checks the rows before a run, for example for a missing index or sparse ids. Default: no warnings, and the
   * number of ranges is estimated from `opening.total`.
   *
   * @param opening The result of `open`.
   * @param batchSize Rows per range, as in `PlanRequest`.
   */
  inspect?(context: SourceContext, opening: SourceOpening, batchSize: number): Promise<SourceInspection>;
}

/**
 * Marks the type of a source that `@Backfill` refuses to compile with, and says why. A function that returns a source
 * adds it to its return type where the types of its arguments do not fit: `BackfillSource<...> & UnsuitableSource<'...'>`.
 * There is no such property at run time.
 *
 * @publicApi
 */
export interface UnsuitableSource<Reason extends string> {
  readonly unsuitable: Reason;
}
