import { Injectable, Inject } from '@nestjs/common';
import { ErrorCode } from 'bullmq';
import type { JobsOptions, Queue } from 'bullmq';
import { BackfillKeys } from '../redis/backfill-keys.js';
import { REDIS_CLIENT } from '../redis/redis-connections.js';
import type { RedisClient } from '../redis/redis-connections.js';
import { isHiddenRun } from '../redis/hidden-run-id.js';
import { RedisErrorLog } from '../redis/redis-error.log.js';
import { decodeJob, jobId } from '../state/job-id.js';
import type { JobRanges } from '../state/job-id.js';
import { QueueMap } from './queue-map.js';

/** Data of a job: the indexes of its ranges. The ranges themselves are in `RangeStore`. */
export interface RangeJob extends JobRanges {
  readonly run: string;
}

/** A job to add. */
export interface JobRequest {
  /** Suffix of its id, which says what it carries; see `job-id.ts`. */
  readonly job: string;
  readonly delayMs?: number;
  /** Whether it is processed before all that are waiting. A job with a delay is not: see `moveToFront`. */
  readonly front?: boolean;
}

/** Jobs added in one call: workers share the connection, and their commands wait behind it. */
const BATCH = 100;

/** Name of the queue of a run. No name of a backfill begins with an underscore. */
export function rangeQueueName(backfill: string, runId: string): string {
  return isHiddenRun(runId) ? `_undo-${backfill}` : backfill;
}

/** The BullMQ queues, one for each backfill and one for its runs that earlier releases must not see, created on first use. */
@Injectable()
export class RangeQueues {
  private readonly queues: QueueMap<RangeJob>;

  constructor(@Inject(REDIS_CLIENT) client: RedisClient, keys: BackfillKeys, errors: RedisErrorLog) {
    this.queues = new QueueMap(client, keys.prefix, errors.listener);
  }

  /** @param runId the run whose jobs it has. Default: a run that undoes no other */
  of(backfill: string, runId = ''): Queue<RangeJob> {
    return this.queues.of(rangeQueueName(backfill, runId));
  }

  /** Adds jobs; BullMQ ignores one whose id exists. */
  async add(backfill: string, runId: string, requests: readonly JobRequest[]): Promise<void> {
    const queue = this.of(backfill, runId);
    for (let at = 0; at < requests.length; at += BATCH) {
      await queue.addBulk(
        requests.slice(at, at + BATCH).map(({ job, delayMs, front }) => {
          const opts: JobsOptions = { jobId: jobId(runId, job) };
          if (delayMs !== undefined && delayMs > 0) {
            opts.delay = Math.ceil(delayMs);
          } else if (front) {
            opts.lifo = true;
          }
          return { name: 'range', data: { run: runId, ...decodeJob(job) }, opts };
        }),
      );
    }
  }

  /** Has a job processed before all that are waiting, whether its delay is over or not. Ignores one that is active or gone. */
  async moveToFront(backfill: string, runId: string, job: string): Promise<void> {
    const found = await this.of(backfill, runId).getJob(jobId(runId, job));
    if (found && (await found.isDelayed())) {
      await found.promote().catch(ignoreMoved);
    }
    await found?.changePriority({ priority: 0, lifo: true }).catch(ignoreMoved);
  }

  async close(): Promise<void> {
    await this.queues.close();
  }
}

/** A worker may have taken a job meanwhile, and have completed it. */
function ignoreMoved(error: unknown): void {
  const { code } = error as { readonly code?: unknown };
  if (code !== ErrorCode.JobNotExist && code !== ErrorCode.JobNotInState) {
    throw error;
  }
}
