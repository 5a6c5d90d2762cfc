import { Queue } from 'bullmq';
import type { RedisClient } from '../redis/redis-connections.js';
import type { BackfillThrottle, ThrottleOptions } from './backfill-throttle.js';
import { thresholdThrottle } from './threshold-throttle.js';

/**
 * Options of {@link queueDepth}.
 *
 * @publicApi
 */
export interface QueueDepthOptions extends ThrottleOptions {
  /** Names of BullMQ queues in the Redis that the library uses. Their waiting jobs are added up. */
  readonly queues: readonly string[];
  /** BullMQ's `prefix` of these queues. Default `bull`. */
  readonly prefix?: string;
  /** Waiting jobs above which the rate is reduced. Default 100. */
  readonly from?: number;
  /** Waiting jobs at which the backfill is held. Default 10000. */
  readonly to?: number;
}

/**
 * Slows down while jobs pile up in other queues of the app.
 *
 * @throws RangeError unless `from` is below `to`
 * @publicApi
 */
export function queueDepth(options: QueueDepthOptions): BackfillThrottle {
  const { queues, prefix = 'bull', from = 100, to = 10_000, ...rest } = options;
  return thresholdThrottle({
    ...rest,
    name: 'queue-depth',
    throttleAt: from,
    stopAt: to,
    read: async ({ redis }) => {
      const depths = await Promise.all(queues.map((name) => waitingJobs(name, prefix, redis)));
      return depths.reduce((sum, depth) => sum + depth, 0);
    },
    reason: (depth) => `${depth} ${depth === 1 ? 'job waits' : 'jobs wait'} in ${queues.join(', ')}`,
  });
}

async function waitingJobs(name: string, prefix: string, connection: RedisClient): Promise<number> {
  const queue = new Queue(name, { connection, prefix, skipMetasUpdate: true });
  try {
    return await queue.getJobCountByTypes('waiting', 'prioritized');
  } finally {
    await queue.close();
  }
}
