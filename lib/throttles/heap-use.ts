import { getHeapStatistics } from 'node:v8';
import { ramp } from './backfill-throttle.js';
import type { BackfillThrottle, ThrottleOptions } from './backfill-throttle.js';

/**
 * Shares of the heap's limit, from 0 to 1.
 *
 * @publicApi
 */
export interface HeapUseOptions extends ThrottleOptions {
  /** Share from which on the rate comes down. Default 0.75. */
  readonly from?: number;
  /** Share that holds. Default 0.95. */
  readonly to?: number;
}

/**
 * Slows down while the heap of a process that works for the backfill is nearly full.
 *
 * @publicApi
 */
export function heapUse(options: HeapUseOptions = {}): BackfillThrottle {
  const { from = 0.75, to = 0.95, ...rest } = options;
  ramp(0, from, to);
  return {
    name: 'heap-use',
    scope: 'process',
    ...rest,
    measure: () => {
      const { used_heap_size: used, heap_size_limit: limit } = getHeapStatistics();
      return {
        pressure: ramp(used / limit, from, to),
        reason: `${Math.round((100 * used) / limit)} % of the heap`,
      };
    },
  };
}
