/**
 * What an operator tunes of a backfill, resolved: every key has a value.
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
   * Seconds of work to keep planned ahead of the workers: more than 0, at most 86,400. Short, and a
   * change is felt soon; long, and a slow source is hidden. Default 60.
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
  /** The IANA zone the peak hours are meant in, such as `Europe/Lisbon`. Default `UTC`. */
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
  /** Ranges a process works on at once. A whole number from 1 to 1,000. Default 4. */
  readonly concurrency: number;
  /** Rows of a range a row handler is given at once. A whole number from 1 to 10,000. Default 1. */
  readonly rowConcurrency: number;
  /**
   * Most ranges planned and not yet worked off, whatever `duration` and the rates ask for; it bounds the
   * memory used in Redis. A whole number from 1 to 1,000,000. Default 10,000.
   */
  readonly maxOutstanding: number;
  /**
   * How often a range (or a row of it) is tried before it counts as failed. A whole number from 1 to 100.
   * Default 3.
   */
  readonly attempts: number;
  /**
   * Milliseconds to wait before the second attempt, doubled for each one after it up to 5 minutes. A
   * whole number from 0 to 86,400,000. Default 1,000.
   */
  readonly backoffMs: number;
  /**
   * How many failures a run may have before it pauses itself: a whole number, a percentage such as `'5%'`
   * of what was worked off so far, or `null` for no limit. Default `null`.
   */
  readonly maxFailures: number | `${number}%` | null;
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
 * The value of every key that nobody has set.
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
});

/**
 * The defaults with each patch laid over them in turn; the last one that sets a key wins. Frozen.
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
