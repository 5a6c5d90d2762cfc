import type { BackfillThrottle, ThrottleContext, ThrottleOptions } from './backfill-throttle.js';

/** Between `from` and `to` the pressure rises linearly from 0 to 1. */
interface Thresholds {
  readonly from: number;
  readonly to: number;
}

interface ThresholdThrottleDefinition {
  readonly name: string;
  readonly scope?: BackfillThrottle['scope'];
  readonly defaults: Thresholds;
  readonly measure: (context: ThrottleContext) => number | Promise<number>;
  readonly reason: (value: number) => string;
}

/**
 * Makes a throttle of a measured number and two thresholds.
 *
 * @throws RangeError unless `from` is below `to`
 */
export function thresholdThrottle(
  { onError, ...thresholds }: ThrottleOptions & Partial<Thresholds>,
  { name, scope = 'cluster', defaults, measure, reason }: ThresholdThrottleDefinition,
): BackfillThrottle {
  const toPressure = ramp(thresholds, defaults);
  return {
    name,
    scope,
    ...(onError === undefined ? {} : { onError }),
    measure: async (context) => {
      const value = await measure(context);
      return { pressure: toPressure(value), reason: reason(value) };
    },
  };
}

/**
 * The pressure as a function of the measured value: 0 up to `from`, 1 from `to` on, linear in between.
 *
 * @throws RangeError unless `from` is below `to`
 */
export function ramp({ from, to }: Partial<Thresholds>, defaults: Thresholds): (value: number) => number {
  const [low, high] = [from ?? defaults.from, to ?? defaults.to];
  if (!(low < high)) {
    throw new RangeError(
      `Expected the from of a throttle to be below its to, got from ${low} and to ${high}`,
    );
  }
  return (value) => Math.min(1, Math.max(0, (value - low) / (high - low)));
}
