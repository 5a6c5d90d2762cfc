import type { ConcurrencySetting } from './concurrency-setting.js';

/**
 * The config of a backfill, resolved: every key has a value. It can be changed at any time with
 * `BackfillService.configure`; every process applies a change within a second.
 *
 * @publicApi
 */
export interface BackfillConfig {
  /**
   * Rows (for `idRange`: ids) in a range. A whole number from 1 to 1,000,000. A change applies to the ranges that are
   * planned from then on. Default 100.
   */
  readonly batchSize: number;
  /**
   * Seconds of work to keep planned ahead of the workers: a number above 0 and up to 86,400. A short window applies a
   * change of `batchSize` sooner, a long one bridges a slow source. Default 60.
   */
  readonly duration: number;
  /**
   * Ranges to start per second on peak, in all processes together: 0 to 100,000, fractions allowed; `0` holds the
   * backfill, `null` is unpaced. Default 3.
   */
  readonly perSecondOnPeak: number | null;
  /**
   * Ranges to start per second off peak, in all processes together: 0 to 100,000, fractions allowed; `0` holds the
   * backfill, `null` is unpaced. Default 7.5.
   */
  readonly perSecondOffPeak: number | null;
  /** IANA time zone of the peak hours, such as `Europe/Lisbon`. Default `UTC`. */
  readonly onPeakTimezone: string;
  /**
   * First weekday of the peak, 0 Sunday to 6 Saturday, inclusive. If it is after `onPeakWdayEnd`, the days wrap around:
   * 5 to 1 is Friday to Monday. Default 1.
   */
  readonly onPeakWdayBegin: number;
  /** Last weekday of the peak, 0 Sunday to 6 Saturday, inclusive. Default 5. */
  readonly onPeakWdayEnd: number;
  /**
   * First hour of the peak, 0 to 23. If it is after `onPeakHourEnd`, the hours wrap around midnight: 22 to 5 is from
   * 22:00:00 until 05:59:59 of the next day, and those hours belong to the weekday on which they began. Default 5.
   */
  readonly onPeakHourBegin: number;
  /** Last hour of the peak, 0 to 23, inclusive: 17 lasts until 17:59:59. Default 17. */
  readonly onPeakHourEnd: number;
  /**
   * Ranges that a process works on at once. A whole number from 1 to 1,000. Short ranges of a row handler overlap: the
   * next range is loaded while the last rows of the previous one are processed.
   *
   * Or bounds, such as `{ min: 1, max: 32 }`: the concurrency is then found between them, and found again when something
   * changes. It is raised while more ranges at once do not make each slower, and lowered when ranges take longer than they
   * do without load, when statements time out, and when throttles report pressure; these then change the concurrency and not
   * the rate, until they hold the run. `status` has the value and the reason. Default 4.
   */
  readonly concurrency: ConcurrencySetting;
  /**
   * Rows of a range that a row handler is given at once. A whole number from 1 to 10,000, or bounds as for `concurrency`.
   * Where both have bounds, more rows of a range come before more ranges. Default 1.
   */
  readonly rowConcurrency: ConcurrencySetting;
  /**
   * Upper bound of the ranges that are planned and not processed yet, whatever `duration` and the rates ask for. It
   * bounds the memory used in Redis. A whole number from 1 to 1,000,000. Default 10,000.
   */
  readonly maxOutstanding: number;
  /** Attempts of a range or row before it counts as failed. A whole number from 1 to 100. Default 3. */
  readonly attempts: number;
  /**
   * Milliseconds before the second attempt, doubled for each further attempt up to 5 minutes. A whole number from 0 to
   * 86,400,000. Default 1,000.
   */
  readonly backoffMs: number;
  /**
   * How many failures a run may have. With more, it is paused. A whole number from 0, a percentage such as `'5%'` of the
   * rows processed so far, or `null` for no limit. Default `null`.
   */
  readonly maxFailures: number | `${number}%` | null;
  /**
   * How many ranges may fail their first attempt while nothing has succeeded. With as many, the run is paused: a handler
   * that is broken would fail them all. It counts from the start of the run and again whenever it is resumed or configured.
   * A whole number from 1 to 1,000,000, or `null` for no limit. Default 10.
   */
  readonly maxInitialFailures: number | null;
  /**
   * Timeout of a row in milliseconds: after it the row counts as failed and `context.signal` is aborted. A whole number
   * from 1 to 86,400,000, or `null` for no timeout. Row handlers only. Default 60,000.
   */
  readonly rowTimeoutMs: number | null;
  /**
   * Milliseconds between two acknowledgements of finished rows within a range. Rows that are not acknowledged when a
   * process dies are processed again. A whole number from 10 to 3,600,000. Row handlers only. Default 1,000.
   */
  readonly rowAckMs: number;
  /**
   * Calls to a third party that are allowed, in all processes together; `null` for no limit. A row handler is called
   * when the quota has a call left, and uses that call; further calls are acquired with `context.quota()`.
   * Default `null`.
   */
  readonly quota: QuotaConfig | null;
  /**
   * Adjusts the batch size to the time that ranges take, starting from `batchSize`; `null` keeps `batchSize`. Default
   * `null`.
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
  /** Calls in any period of `perMs`. A whole number from 1 to 1,000,000. */
  readonly max: number;
  /** Length of the period in milliseconds. A whole number from 10 to 86,400,000. */
  readonly perMs: number;
}

/**
 * Target and bounds of an automatic batch size.
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
 * Some keys of a {@link BackfillConfig}, as `@Backfill`, `BackfillModule`, `start` and `configure` take them. A key that
 * is absent or `undefined` keeps its value.
 *
 * @publicApi
 */
export type BackfillConfigPatch = {
  readonly [Key in keyof BackfillConfig]?: BackfillConfig[Key] | undefined;
};

/** The default of every key. */
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
  maxInitialFailures: 10,
  rowTimeoutMs: 60_000,
  rowAckMs: 1000,
  quota: null,
  autoTune: null,
});

/** The defaults overridden by each patch in turn. Frozen. */
export function resolveConfig(...patches: readonly BackfillConfigPatch[]): BackfillConfig {
  const config = { ...DEFAULT_BACKFILL_CONFIG };
  for (const patch of patches) Object.assign(config, definedOnly(patch));
  return Object.freeze(config);
}

function definedOnly(patch: BackfillConfigPatch): Partial<BackfillConfig> {
  return Object.fromEntries(Object.entries(patch).filter(([, value]) => value !== undefined));
}
