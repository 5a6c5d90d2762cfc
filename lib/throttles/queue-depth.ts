import { Queue } from 'bullmq';
import { ramp } from './backfill-throttle.js';
import type { BackfillThrottle, ThrottleOptions } from './backfill-throttle.js';

/**
 * Which queues, and how many jobs may wait in them.
 *
 * @publicApi
 */
export interface QueueDepthOptions extends ThrottleOptions {
  /** Names of BullMQ queues in the Redis that backfills use. Their depths are added up. */
  readonly queues: readonly string[];
  /** BullMQ's `prefix` of these queues. Default `bull`. */
  readonly prefix?: string;
  /** Waiting jobs from which on the rate comes down. Default 100. */
  readonly from?: number;
  /** Waiting jobs that hold. Default 10000. */
  readonly to?: number;
}

/**
 * Slows down while jobs pile up in other queues of the app.
 *
 * @publicApi
 */
export function queueDepth(options: QueueDepthOptions): BackfillThrottle {
  const { queues, prefix = 'bull', from = 100, to = 10_000, ...rest } = options;
  ramp(0, from, to);
  return {
    name: 'queue-depth',
    ...rest,
    measure: async ({ redis }) => {
      const depths = await Promise.all(
        queues.map(async (name) => {
          const queue = new Queue(name, { connection: redis, prefix, skipMetasUpdate: true });
          try {
            return await queue.getJobCountByTypes('waiting', 'prioritized');
          } finally {
            await queue.close();
          }
        }),
      );
      const depth = depths.reduce((sum, each) => sum + each, 0);
      return { pressure: ramp(depth, from, to), reason: `${depth} jobs wait in ${queues.join(', ')}` };
    },
  };
}
