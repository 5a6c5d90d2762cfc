/**
 * The resolved config of a backfill: every key has a value.
 *
 * @publicApi
 */
export interface BackfillConfig {
  /**
   * Rows (or, for `idRange`, ids) in a range. A whole number from 1 to 1,000,000. Takes effect on the
   * ranges planned from then on. Default 100.
   */
  readonly batchSize: number;
  /**
   * Seconds of work to keep planned ahead of the workers: more than 0, at most 86,400. With a
   * short one a change of the batch size takes effect soon; a long one hides a slow source. Default 60.
   */
  readonly duration: number;
  /**
   * Ranges a second to start on peak, in all processes together: 0 to 100,000, fractions allowed; `0`
   * holds the backfill, `null` is unpaced. Default 3.
   */
  readonly perSecondOnPeak: number | null;
  /**
   * Ranges a second to start off peak, in all processes together: 0 to 100,000, fractions allowed; `0`
   * holds the backfill, `null` is unpaced. Default 7.5.
   */
  readonly perSecondOffPeak: number | null;
  /** IANA time zone of the peak hours, such as `Europe/Lisbon`. Default `UTC`. */
  readonly onPeakTimezone: string;
  /**
   * First weekday of the peak, 0 Sunday to 6 Saturday, inclusive. After `onPeakWdayEnd` it wraps around:
   * 5 to 1 is Friday to Monday. Default 1.
   */
  readonly onPeakWdayBegin: number;
  /** Last weekday of the peak, 0 Sunday to 6 Saturday, inclusive. Default 5. */
  readonly onPeakWdayEnd: number;
  /**
   * First hour of the peak, 0 to 23. After `onPeakHourEnd` it wraps around midnight: 22 to 5 is from
   * 22:00:00 until 05:59:59 of the next day, and those hours belong to the weekday they began on.
   * Default 5.
   */
  readonly onPeakHourBegin: number;
  /** Last hour of the peak, 0 to 23, inclusive: 17 lasts until 17:59:59. Default 17. */
  readonly onPeakHourEnd: number;
  /**
   * Ranges that a process works on at once. Short ranges of a row handler overlap: while the last rows of one are
   * in progress, the next is loaded, and starts as they end. A whole number from 1 to 1,000. Default 4.
   */
  readonly concurrency: number;
  /** Rows of a range that a row handler processes at once. A whole number from 1 to 10,000. Default 1. */
  readonly rowConcurrency: number;
  /**
   * Maximum of ranges that are planned and not yet settled, whatever `duration` and the rates ask for. It bounds the
   * memory in Redis. A whole number from 1 to 1,000,000. Default 10,000.
   */
  readonly maxOutstanding: number;
  /**
   * Attempts of a range, or of a row of it, before it counts as failed. A whole number from 1 to 100.
   * Default 3.
   */
  readonly attempts: number;
  /**
   * Milliseconds to wait before the second attempt, doubled for each one after it up to 5 minutes. A
   * whole number from 0 to 86,400,000. Default 1,000.
   */
  readonly backoffMs: number;
  /**
   * Failures that a run may have before it pauses: a whole number, a percentage of the processed rows such as
   * `'5%'`, or `null` for no limit. Default `null`.
   */
  readonly maxFailures: number | `${number}%` | null;
  /**
   * Milliseconds after which a row that its handler has not finished counts as failed and its
   * `context.signal` is aborted: a whole number from 1 to 86,400,000, or `null` for no limit. Default
   * 60,000.
   */
  readonly rowTimeoutMs: number | null;
  /**
   * Milliseconds between two acknowledgements of the rows that are done within a range in progress: a killed process
   * repeats at most these rows. A whole number from 10 to 3,600,000. Default 1,000.
   */
  readonly rowAckMs: number;
  /**
   * Calls that a third party allows, in all processes together; `null` for no limit. Each row of a row handler waits
   * for one call; `context.quota()` waits for every further one.
   * Default `null`.
   */
  readonly quota: QuotaConfig | null;
  /**
   * Adapts the batch size, from `batchSize` on, to the time that ranges take; `null` keeps `batchSize`. Default `null`.
   */
  readonly autoTune: AutoTuneConfig | null;
}

/**
 * A limit of calls per time.
 *
 * @example { max: 50, perMs: 1000 }
 * @publicApi
 */
export interface QuotaConfig {
  /** Calls in any interval of `perMs`. A whole number from 1 to 1,000,000. */
  readonly max: number;
  /** Milliseconds. A whole number from 10 to 86,400,000. */
  readonly perMs: number;
}

/**
 * Target and limits of the automatic batch size.
 *
 * @example { targetMs: 500, min: 50, max: 5000 }
 * @publicApi
 */
export interface AutoTuneConfig {
  /** Milliseconds that a range should take. A whole number from 1 to 3,600,000. */
  readonly targetMs: number;
  /** Smallest batch size. A whole number from 1 to 1,000,000. */
  readonly min: number;
  /** Largest batch size, at least `min`. A whole number from 1 to 1,000,000. */
  readonly max: number;
}

/**
 * Some keys of a {@link BackfillConfig}: what `@Backfill`, `start` and `configure` accept. A key that is
 * left out or `undefined` keeps its value.
 *
 * @publicApi
 */
export type BackfillConfigPatch = {
  readonly [Key in keyof BackfillConfig]?: BackfillConfig[Key] | undefined;
};

/**
 * The default of every key.
 *
 * @publicApi
 */
export const DEFAULT_BACKFILL_CONFIG: BackfillConfig = Object.freeze({
  batchSize: 100,
  duration: 60,
  perSecondOnPeak: 3,
  perSecondOffPeak: 7.5,
  onPeakTimezone: 'UTC',
  onPeakWdayBegin: 1,
  onPeakWdayEnd: 5,
  onPeakHourBegin: 5,
  onPeakHourEnd: 17,
  concurrency: 4,
  rowConcurrency: 1,
  maxOutstanding: 10_000,
  attempts: 3,
  backoffMs: 1000,
  maxFailures: null,
  rowTimeoutMs: 60_000,
  rowAckMs: 1000,
  quota: null,
  autoTune: null,
});

/**
 * Applies patches to the defaults, in order; the last patch that has a key wins. The result is frozen.
 *
 * @publicApi
 */
export function resolveConfig(...patches: readonly BackfillConfigPatch[]): BackfillConfig {
  const config = { ...DEFAULT_BACKFILL_CONFIG };
  for (const patch of patches) Object.assign(config, definedOnly(patch));
  return Object.freeze(config);
}

function definedOnly(patch: BackfillConfigPatch): Partial<BackfillConfig> {
  return Object.fromEntries(Object.entries(patch).filter(([, value]) => value !== undefined));
}
