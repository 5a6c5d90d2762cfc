import { monitorEventLoopDelay } from 'node:perf_hooks';
import type { IntervalHistogram } from 'node:perf_hooks';
import { ramp } from './backfill-throttle.js';
import type { BackfillThrottle, ThrottleOptions } from './backfill-throttle.js';

const RESOLUTION_MS = 10;
const NANOSECONDS = 1e6;

/**
 * Milliseconds of lag.
 *
 * @publicApi
 */
export interface EventLoopLagOptions extends ThrottleOptions {
  /** Lag from which on the rate comes down. Default 50. */
  readonly from?: number;
  /** Lag that holds. Default 500. */
  readonly to?: number;
}

/**
 * Slows down while the event loop of a process that works for the backfill lags: the 95th percentile since it
 * was last asked.
 *
 * @publicApi
 */
export function eventLoopLag(options: EventLoopLagOptions = {}): BackfillThrottle {
  const { from = 50, to = 500, ...rest } = options;
  ramp(0, from, to);
  let histogram: IntervalHistogram | undefined;
  return {
    name: 'event-loop-lag',
    scope: 'process',
    ...rest,
    measure: () => {
      if (!histogram) {
        histogram = monitorEventLoopDelay({ resolution: RESOLUTION_MS });
        histogram.enable();
      }
      const lag =
        histogram.count === 0 ? 0 : Math.max(0, histogram.percentile(95) / NANOSECONDS - RESOLUTION_MS);
      histogram.reset();
      return { pressure: ramp(lag, from, to), reason: `event loop lags ${Math.round(lag)} ms` };
    },
  };
}
