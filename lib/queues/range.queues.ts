import { Injectable, Inject } from '@nestjs/common';
import { Queue } from 'bullmq';
import type { JobsOptions } from 'bullmq';
import { BackfillKeys } from '../redis/backfill-keys.js';
import { REDIS_CLIENT } from '../redis/redis-connections.js';
import type { RedisClient } from '../redis/redis-connections.js';
import { RedisErrorLog } from '../redis/redis-error.log.js';
import { decodeJob, jobId } from '../state/job-id.js';
import type { JobRanges } from '../state/job-id.js';

/** Data of a job: the indexes of its ranges. The ranges themselves are in `RangeStore`. */
export interface RangeJob extends JobRanges {
  readonly run: string;
}

/** A job to add. */
export interface JobRequest {
  /** Suffix of its id, which says what it carries; see `job-id.ts`. */
  readonly job: string;
  readonly delayMs?: number;
}

/** Jobs added in one call: workers share the connection, and their commands wait behind it. */
const BATCH = 100;

/** BullMQ keeps so many events of a queue: enough for a dashboard, little memory for each backfill. */
export const QUEUE_EVENTS = { events: { maxLen: 1_000 } };

/** The BullMQ queues, one for each backfill, created on first use. */
@Injectable()
export class RangeQueues {
  private readonly queues = new Map<string, Queue<RangeJob>>();

  constructor(
    @Inject(REDIS_CLIENT) private readonly client: RedisClient,
    private readonly keys: BackfillKeys,
    private readonly errors: RedisErrorLog,
  ) {}

  of(backfill: string): Queue<RangeJob> {
    const existing = this.queues.get(backfill);
    if (existing) {
      return existing;
    }
    const queue = new Queue<RangeJob>(backfill, {
      connection: this.client,
      prefix: this.keys.prefix,
      streams: QUEUE_EVENTS,
      // The queue of the cycles checks the version of Redis; here each queue would send INFO again.
      skipVersionCheck: true,
    });
    queue.on('error', this.errors.listener);
    this.queues.set(backfill, queue);
    return queue;
  }

  /** Adds jobs; BullMQ ignores one whose id exists. */
  async add(backfill: string, runId: string, requests: readonly JobRequest[]): Promise<void> {
    const queue = this.of(backfill);
    for (let at = 0; at < requests.length; at += BATCH) {
      await queue.addBulk(
        requests.slice(at, at + BATCH).map(({ job, delayMs }) => {
          const opts: JobsOptions = { jobId: jobId(runId, job) };
          if (delayMs !== undefined && delayMs > 0) {
            opts.delay = Math.ceil(delayMs);
          }
          return { name: 'range', data: { run: runId, ...decodeJob(job) }, opts };
        }),
      );
    }
  }

  async close(): Promise<void> {
    await Promise.all([...this.queues.values()].map((queue) => queue.close()));
  }
}
