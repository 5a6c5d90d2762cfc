import { Inject, Injectable, Logger } from '@nestjs/common';
import { Queue } from 'bullmq';
import { BackfillKeys } from '../redis/backfill-keys.js';
import { REDIS_CLIENT } from '../redis/redis-connections.js';
import type { RedisClient } from '../redis/redis-connections.js';
import { RedisErrorLog } from '../redis/redis-error.log.js';
import { jobId } from '../state/job-id.js';
import { QUEUE_EVENTS } from './range.queues.js';

/** A cycle of a run. */
export interface CycleJob {
  readonly backfill: string;
  readonly run: string;
  readonly cycle: number;
}

/** The BullMQ queue of the cycles of a backfill. No backfill can have a name that begins with `_`. */
export function cycleQueueName(backfill: string): string {
  return `_cycles-${backfill}`;
}

/**
 * The queues of cycles. Each cycle is a job that adds the next one. Run and number are its job id, so that BullMQ has
 * each cycle once, however many processes add it. Each backfill has a queue of its own: in a rolling deploy, a process
 * without its handler must not take its cycles.
 */
@Injectable()
export class CycleQueues {
  private readonly logger = new Logger('Backfill');
  private readonly queues = new Map<string, Queue<CycleJob>>();

  constructor(
    @Inject(REDIS_CLIENT) private readonly client: RedisClient,
    private readonly keys: BackfillKeys,
    private readonly errors: RedisErrorLog,
  ) {}

  /** Adds a cycle; BullMQ ignores one that exists. */
  async add(cycle: CycleJob, delayMs: number): Promise<void> {
    await this.of(cycle.backfill).add('cycle', cycle, { jobId: cycleId(cycle), delay: Math.ceil(delayMs) });
  }

  /** Makes a cycle run at once: adds it where it is missing, and promotes it where it is delayed. */
  async runNow(cycle: CycleJob): Promise<void> {
    const job = await this.of(cycle.backfill).getJob(cycleId(cycle));
    if (!job) {
      await this.add(cycle, 0);
    } else if (await job.isDelayed()) {
      await job.promote().catch((error: unknown) => {
        // Another process has promoted it meanwhile.
        this.logger.debug(
          `[${cycle.backfill} run ${cycle.run}] cycle ${cycle.cycle} is no longer delayed: ${String(error)}`,
        );
      });
    }
  }

  async close(): Promise<void> {
    await Promise.all([...this.queues.values()].map((queue) => queue.close()));
  }

  private of(backfill: string): Queue<CycleJob> {
    const existing = this.queues.get(backfill);
    if (existing) {
      return existing;
    }
    const queue = new Queue<CycleJob>(cycleQueueName(backfill), {
      connection: this.client,
      prefix: this.keys.prefix,
      streams: QUEUE_EVENTS,
      // The workers check the version of Redis; here each queue would send INFO again.
      skipVersionCheck: true,
    });
    queue.on('error', this.errors.listener);
    this.queues.set(backfill, queue);
    return queue;
  }
}

function cycleId({ run, cycle }: CycleJob): string {
  return jobId(run, `c${cycle}`);
}
