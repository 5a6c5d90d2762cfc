/**
 * Bounds between which the concurrency is found while a run goes on.
 *
 * @example { min: 1, max: 32 }
 * @publicApi
 */
export interface ConcurrencyRange {
  /** What a run begins with. At least 1. Only throttles bring it below, by rests between the ranges. */
  readonly min: number;
  /** At least `min`. */
  readonly max: number;
}

/**
 * How many ranges or rows are processed at once: a fixed number, or bounds between which the library finds it.
 *
 * @publicApi
 */
export type ConcurrencySetting = number | ConcurrencyRange;

/** The bounds of a setting; a number is both. */
export function boundsOf(setting: ConcurrencySetting): ConcurrencyRange {
  return typeof setting === 'number' ? { min: setting, max: setting } : setting;
}
