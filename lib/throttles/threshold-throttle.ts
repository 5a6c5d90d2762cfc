import type { BackfillThrottle, ThrottleContext, ThrottleOptions } from './backfill-throttle.js';

/**
 * Options of {@link thresholdThrottle}.
 *
 * @publicApi
 */
export interface ThresholdThrottleOptions extends ThrottleOptions {
  /** Names the throttle in log lines, warnings and, without a `reason`, in the status. */
  readonly name: string;
  /** Reads the number. May throw, see `onError`. */
  readonly read: (context: ThrottleContext) => number | Promise<number>;
  /** The rate is reduced above this number: linearly, down to nothing at `stopAt`. */
  readonly throttleAt: number;
  /** The backfill is held from this number on. Larger than `throttleAt`. */
  readonly stopAt: number;
  /**
   * Where the number is read: `cluster` in one process on behalf of all, `process` in every process with workers for the
   * backfill, of which the highest pressure counts. Default `cluster`.
   */
  readonly scope?: 'cluster' | 'process';
  /** The number in words, for the status and the log. Default: its name and the number. */
  readonly reason?: (value: number) => string;
}

/**
 * Makes a throttle of a number and two thresholds. The ready-made throttles are made by it.
 *
 * @example
 * ```ts
 * thresholdThrottle({
 *   name: 'search-backlog',
 *   read: () => searchIndex.pendingDocuments(),
 *   throttleAt: 1_000,
 *   stopAt: 50_000,
 *   everyMs: 500,
 * })
 * ```
 *
 * @throws RangeError unless `throttleAt` is below `stopAt` and `everyMs` is above 0
 * @publicApi
 */
export function thresholdThrottle(options: ThresholdThrottleOptions): BackfillThrottle {
  const { name, read, throttleAt, stopAt, reason = (value: number) => `${name} ${value}` } = options;
  const { scope = 'cluster', onError, everyMs } = options;
  const toPressure = ramp(name, throttleAt, stopAt);
  if (everyMs !== undefined && !(everyMs > 0 && Number.isFinite(everyMs))) {
    throw new RangeError(`Expected the everyMs of the throttle ${name} to be above 0, got ${everyMs}`);
  }
  return {
    name,
    scope,
    ...(onError === undefined ? {} : { onError }),
    ...(everyMs === undefined ? {} : { everyMs }),
    measure: async (context) => {
      const value = await read(context);
      return { pressure: toPressure(value), reason: reason(value) };
    },
  };
}

/**
 * The pressure as a function of a number: 0 up to `from`, 1 from `to` on, linear in between.
 *
 * @throws RangeError unless `from` is below `to`
 */
export function ramp(name: string, from: number, to: number): (value: number) => number {
  if (!(from < to)) {
    throw new RangeError(
      `Expected the throttle ${name} to hold at a larger number than it begins to throttle at, got ${to} and ${from}`,
    );
  }
  return (value) => Math.min(1, Math.max(0, (value - from) / (to - from)));
}
