/**
 * A figure that is forecast: with a confidence of 90 % it is from `low` to `high`, as far as it depends on what was
 * measured; `expected` is the most likely one.
 *
 * @publicApi
 */
export interface ForecastRange {
  readonly low: number;
  readonly expected: number;
  readonly high: number;
}

/**
 * What a run will cost, computed from a rehearsal. `null`: the database does not tell, or nothing was measured.
 *
 * @publicApi
 */
export interface BackfillForecast {
  /** ISO time of the rehearsal. */
  readonly measuredAt: string;
  /** Rows that were measured, and in how many batches. */
  readonly measured: { readonly rows: number; readonly batches: number };
  /** Rows of the run that is forecast. */
  readonly rowsTotal: number;
  /**
   * Ms from the first range to the end: the rates and peak hours in force, as `preview` has them, bounded by what one
   * process can do, and then by the quota.
   *
   * What one process can do is measured where the rates allow more: batch and range handlers are given the rehearsed batches
   * again and again, `concurrency` of them at once, for some seconds, rolled back. A batch that takes L ms with k
   * at once makes one range each L / k ms, once the code is compiled. Larger ranges take as much longer as a larger batch of
   * the same rows took alone; more at once than were measured are faster until the CPU of the process is busy. A millisecond a
   * range is added for the library and the commit. Not measured are row handlers, handlers with calls that the quota counts,
   * batches of more than 500 ms, SQLite, and a backfill with an active run: there it is `concurrency` ranges at once (for row
   * handlers `rowConcurrency` rows in each), each as long as its rows took in the rehearsal, but no faster than the CPU time
   * of these rows, which one process has one after the other (the least of all batches: code that has run a few times only
   * is slower; `low` is half of it).
   *
   * Of a `concurrency` with bounds it is the upper one, for `high` the lower one where nothing was measured.
   *
   * The range is that of the mean of the batches (Student's t at 90 %), and at least 2 %. `null`: it would never end.
   */
  readonly durationMs: ForecastRange | null;
  /** What makes the run take that long: the configured rate, the quota of the third party, or the handler itself. */
  readonly limitedBy: 'rate' | 'quota' | 'handler' | null;
  /** Ms that a row takes when nothing else runs: load, handler, flush; not the commit. */
  readonly msPerRow: ForecastRange | null;
  /** Ms that the database works for the run: the time of its statements in the rehearsal, for each row of the run. */
  readonly databaseMs: ForecastRange | null;
  /**
   * Bytes of write-ahead log. The changes of the rehearsed rows are written again, twice at least, when their pages have been logged already
   * and no page of an index is full any more (its size tells): the difference of `pg_current_wal_insert_lsn()` then has the
   * records alone, with those of the locks that the guard of a run takes. To them are added:
   *
   * - images of whole pages, of which each page has one after a checkpoint (`full_page_writes`): by page, for the pages that the
   *   run touches. What the first time took more has them; of the batches the median is taken.
   * - splits of pages of B-tree indexes, half a page each: one for each page whose rows all get a new entry (`low` none, `high`
   *   three).
   *
   * Subtracted are locks and index entries of the updates that `hotShare` has beyond the measured ones; not in `high`, which
   * also has one more image of each page of an index that the walk does not follow, for each `checkpoint_timeout` of the
   * run. Where the handler also inserts, deletes or writes other tables: the first time, by row. With `undo` of `@Backfill`,
   * the rows of the journal are among the records.
   */
  readonly walBytes: ForecastRange | null;
  /** `walBytes` by the expected duration. */
  readonly walBytesPerSecond: ForecastRange | null;
  /**
   * Share of updates that touch no index (heap-only tuples), 0 to 1: of those in the rehearsal from
   * `pg_stat_xact_user_tables`; where no changed column has an index, also of those that find the room of old versions which an
   * earlier batch of the run has left in their page. That is the more, the more batches a page of the table is in.
   */
  readonly hotShare: number | null;
  /**
   * Bytes by which the table grows: the average row, for each update that is not heap-only. `low` is 0: space that vacuum
   * has freed is used first.
   */
  readonly tableGrowthBytes: ForecastRange | null;
  /** Bytes by which all of its indexes grow: their average entry, for each update that is not heap-only. `low` is 0. */
  readonly indexGrowthBytes: ForecastRange | null;
  /** Calls to the third party that `ctx.quota()` counted, for each row of the run; `null` where there were none. */
  readonly calls: ForecastRange | null;
  /** Ms that these calls take at the configured quota; `null` without one. */
  readonly quotaMs: ForecastRange | null;
  /** Share of rows that already have the result, 0 to 1: Wilson's interval at 95 % of the rehearsed rows. */
  readonly untouched: ForecastRange | null;
}

/**
 * The forecast that a run was started with, and what has come true so far.
 *
 * @publicApi
 */
export interface ForecastOutcome {
  readonly forecast: BackfillForecast;
  readonly actual: {
    /** From the start until now, or the end of the run; pauses included. */
    readonly durationMs: number;
    /** Rows that are through. */
    readonly rows: number;
    readonly rowsPerSecond: number;
    /**
     * Bytes of write-ahead log that the whole server has written between the start and the end of the run: PostgreSQL counts
     * them for all connections, so that those of the app and of other runs are in it, also while the run was paused. `null`:
     * the run has not ended, its forecast has no `walBytes`, or no process was there at its end.
     */
    readonly serverWalBytes: number | null;
  };
}
