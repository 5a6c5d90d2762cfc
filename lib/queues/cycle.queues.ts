import { Inject, Injectable, Logger } from '@nestjs/common';
import type { Queue } from 'bullmq';
import { BackfillKeys } from '../redis/backfill-keys.js';
import { REDIS_CLIENT } from '../redis/redis-connections.js';
import type { RedisClient } from '../redis/redis-connections.js';
import { RedisErrorLog } from '../redis/redis-error.log.js';
import { jobId } from '../state/job-id.js';
import { QueueMap } from './queue-map.js';

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
  private readonly queues: QueueMap<CycleJob>;

  constructor(@Inject(REDIS_CLIENT) client: RedisClient, keys: BackfillKeys, errors: RedisErrorLog) {
    this.queues = new QueueMap(client, keys.prefix, errors.listener);
  }

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
    await this.queues.close();
  }

  private of(backfill: string): Queue<CycleJob> {
    return this.queues.of(cycleQueueName(backfill));
  }
}

function cycleId({ run, cycle }: CycleJob): string {
  return jobId(run, `c${cycle}`);
}
