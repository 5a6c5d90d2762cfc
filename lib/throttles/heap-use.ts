import { getHeapStatistics } from 'node:v8';
import type { BackfillThrottle, ThrottleOptions } from './backfill-throttle.js';
import { thresholdThrottle } from './threshold-throttle.js';

/**
 * Options of {@link heapUse}.
 *
 * @publicApi
 */
export interface HeapUseOptions extends ThrottleOptions {
  /** Used fraction of the heap limit, 0 to 1, above which the rate is reduced. Default 0.75. */
  readonly from?: number;
  /** Used fraction of the heap limit, 0 to 1, at which the backfill is held. Default 0.95. */
  readonly to?: number;
}

/**
 * Slows down while the V8 heap of a process with workers for the backfill is nearly full.
 *
 * @throws RangeError unless `from` is below `to`
 * @publicApi
 */
export function heapUse({ from = 0.75, to = 0.95, ...rest }: HeapUseOptions = {}): BackfillThrottle {
  return thresholdThrottle({
    ...rest,
    name: 'heap-use',
    scope: 'process',
    throttleAt: from,
    stopAt: to,
    read: () => {
      const { used_heap_size: used, heap_size_limit: limit } = getHeapStatistics();
      return used / limit;
    },
    reason: (fraction) => `${Math.round(100 * fraction)} % of the heap in use`,
  });
}
