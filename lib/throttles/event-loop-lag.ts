import { monitorEventLoopDelay } from 'node:perf_hooks';
import type { IntervalHistogram } from 'node:perf_hooks';
import type { BackfillThrottle, ThrottleOptions } from './backfill-throttle.js';
import { thresholdThrottle } from './threshold-throttle.js';

const RESOLUTION_MS = 10;
const EVERY_MS = 1_000;
const NS_PER_MS = 1e6;

/**
 * Options of {@link eventLoopLag}.
 *
 * @publicApi
 */
export interface EventLoopLagOptions extends ThrottleOptions {
  /** Milliseconds of lag above which the rate is reduced. Default 50. */
  readonly from?: number;
  /** Milliseconds of lag at which the backfill is held. Default 500. */
  readonly to?: number;
}

/**
 * Slows down while the event loop lags in a process with workers for the backfill: the 95th percentile since the
 * last measurement. Backfills that are measured at the same time share one.
 *
 * @throws RangeError unless `from` is below `to`
 * @publicApi
 */
export function eventLoopLag({ from = 50, to = 500, ...rest }: EventLoopLagOptions = {}): BackfillThrottle {
  let histogram: IntervalHistogram | undefined;
  let lagMs = 0;
  let readAt = -Infinity;
  const { everyMs = EVERY_MS } = rest;
  return thresholdThrottle({
    ...rest,
    name: 'event-loop-lag',
    scope: 'process',
    throttleAt: from,
    stopAt: to,
    read: () => {
      if (!histogram) {
        histogram = monitorEventLoopDelay({ resolution: RESOLUTION_MS });
        histogram.enable();
      }
      // Another backfill may have read it just now.
      if (performance.now() - readAt >= everyMs / 2) {
        // The histogram samples a timer, so its values include the interval of the timer.
        const delayMs = histogram.count === 0 ? 0 : histogram.percentile(95) / NS_PER_MS;
        histogram.reset();
        lagMs = Math.max(0, delayMs - RESOLUTION_MS);
        readAt = performance.now();
      }
      return lagMs;
    },
    reason: (ms) => `event loop lags ${Math.round(ms)} ms`,
  });
}
