import { Injectable, Inject } from '@nestjs/common';
import { Queue } from 'bullmq';
import type { JobsOptions } from 'bullmq';
import { BackfillKeys } from '../redis/backfill-keys.js';
import type { RedisClient } from '../redis/lua-script.js';
import { REDIS_CLIENT } from '../redis/redis-connections.js';
import { RedisErrorLog } from '../redis/redis-error.log.js';

/** What a job says: which ranges of which run. The ranges themselves are the tracker's. */
export interface RangeJob {
  readonly run: string;
  readonly first: number;
  readonly count: number;
}

/** A job to add: the suffix of its id, and how long it is to wait. */
export interface JobRequest {
  /** `120x8`: eight ranges from 120 on; `125a2`: range 125 after two failed attempts. */
  readonly job: string;
  readonly delayMs?: number;
}

/** So few that no worker, whose commands take the same connection, waits long behind them. */
const BATCH = 100;

/** Entries that BullMQ keeps of what happened in a queue: enough for a dashboard, little for each backfill. */
export const QUEUE_EVENTS = { events: { maxLen: 1_000 } };

/** The BullMQ queues: one for each backfill, made when it is first asked for. */
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
      // Checked for the chain of cycles; each queue would read all that Redis says of itself.
      skipVersionCheck: true,
    });
    queue.on('error', this.errors.listener);
    this.queues.set(backfill, queue);
    return queue;
  }

  /** Adds jobs; one that exists already is left as it is. */
  async add(backfill: string, runId: string, requests: readonly JobRequest[]): Promise<void> {
    const queue = this.of(backfill);
    for (let at = 0; at < requests.length; at += BATCH) {
      await queue.addBulk(
        requests.slice(at, at + BATCH).map(({ job, delayMs }) => {
          const opts: JobsOptions = { jobId: `${runId}-${job}` };
          if (delayMs !== undefined && delayMs > 0) {
            opts.delay = Math.ceil(delayMs);
          }
          return { name: 'range', data: { run: runId, ...parseJob(job) }, opts };
        }),
      );
    }
  }

  async close(): Promise<void> {
    await Promise.all([...this.queues.values()].map((queue) => queue.close()));
  }
}

/** Reads the suffix of a job id. */
export function parseJob(job: string): { first: number; count: number } {
  const [first, count] = job.split('x');
  return count === undefined
    ? { first: Number.parseInt(job, 10), count: 1 }
    : { first: Number(first), count: Number(count) };
}
