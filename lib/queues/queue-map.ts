import { Queue } from 'bullmq';
import type { WorkerOptions } from 'bullmq';
import type { RedisClient } from '../redis/redis-connections.js';

/** BullMQ keeps so many events of a queue: enough for a dashboard, little memory for each backfill. */
const QUEUE_EVENTS = { events: { maxLen: 1_000 } };

/** BullMQ looks for expired locks so often, as a share of `lockDuration`, and never more often than the least. */
const EXPIRY_CHECK_SHARE = 0.1;
const LEAST_EXPIRY_CHECK_MS = 500;

/** BullMQ queues by name, created on first use. */
export class QueueMap<Data> {
  private readonly queues = new Map<string, Queue<Data>>();

  constructor(
    private readonly client: RedisClient,
    private readonly prefix: string,
    private readonly onError: (error: Error) => void,
  ) {}

  of(name: string): Queue<Data> {
    const existing = this.queues.get(name);
    if (existing) {
      return existing;
    }
    const queue = new Queue<Data>(name, {
      connection: this.client,
      prefix: this.prefix,
      streams: QUEUE_EVENTS,
      // The workers check the version of Redis; here each queue would send INFO again.
      skipVersionCheck: true,
    });
    queue.on('error', this.onError);
    this.queues.set(name, queue);
    return queue;
  }

  async close(): Promise<void> {
    await Promise.all([...this.queues.values()].map((queue) => queue.close()));
  }
}

/** The options that the workers of all queues share. */
export function workerOptions(client: RedisClient, prefix: string, lockDuration: number): WorkerOptions {
  return {
    connection: client,
    prefix,
    lockDuration,
    // What a killed process had locked waits for the expiry of its locks, and then for the next check, or the one after it:
    // BullMQ skips a check that comes within a millisecond of the interval.
    stalledInterval: Math.max(LEAST_EXPIRY_CHECK_MS, Math.floor(lockDuration * EXPIRY_CHECK_SHARE)),
    // BullMQ must not fail the job of a worker that crashed: the library limits the crashes of each range.
    maxStalledCount: Number.MAX_SAFE_INTEGER,
    runRetryDelay: 1_000,
    removeOnComplete: { count: 0 },
    removeOnFail: { count: 0 },
  };
}
