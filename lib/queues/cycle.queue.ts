import { Inject, Injectable, Logger } from '@nestjs/common';
import { Queue, Worker } from 'bullmq';
import type { Job } from 'bullmq';
import { RESOLVED_OPTIONS } from '../config/module-options.js';
import type { ResolvedModuleOptions } from '../config/module-options.js';
import { BackfillKeys } from '../redis/backfill-keys.js';
import { REDIS_CLIENT } from '../redis/redis-connections.js';
import type { RedisClient } from '../redis/redis-connections.js';
import { RedisErrorLog } from '../redis/redis-error.log.js';
import { QUEUE_EVENTS } from './range.queues.js';

/** Never the name of a backfill. */
const QUEUE = '_cycles';
const AT_ONCE = 8;

/** One cycle of one run. */
export interface CycleJob {
  readonly backfill: string;
  readonly run: string;
  readonly cycle: number;
}

/** Runs a cycle; answers the ms until the next one, or `null` when there is none. */
export type RunCycle = (cycle: CycleJob, signal: AbortSignal) => Promise<number | null>;

/**
 * The chain of cycles: each is a job that adds the next, named by run and number, so that there is one of
 * each whoever adds it and however often.
 */
@Injectable()
export class CycleQueue {
  private readonly logger = new Logger('Backfill');
  private readonly queue: Queue<CycleJob>;
  private readonly stop = new AbortController();
  private worker: Worker<CycleJob> | undefined;

  constructor(
    @Inject(REDIS_CLIENT) private readonly client: RedisClient,
    private readonly keys: BackfillKeys,
    @Inject(RESOLVED_OPTIONS) private readonly options: ResolvedModuleOptions,
    private readonly errors: RedisErrorLog,
  ) {
    this.queue = new Queue<CycleJob>(QUEUE, {
      connection: client,
      prefix: keys.prefix,
      streams: QUEUE_EVENTS,
    });
    this.queue.on('error', errors.listener);
  }

  /** Begins to work cycles off in this process. */
  open(runCycle: RunCycle): void {
    this.worker = new Worker<CycleJob>(QUEUE, (job) => this.process(job, runCycle), {
      connection: this.client,
      prefix: this.keys.prefix,
      concurrency: AT_ONCE,
      lockDuration: this.options.lockDuration,
      stalledInterval: this.options.lockDuration,
      maxStalledCount: Number.MAX_SAFE_INTEGER,
      runRetryDelay: 1_000,
      removeOnComplete: { count: 0 },
      removeOnFail: { count: 0 },
    });
    this.worker.on('error', this.errors.listener);
  }

  /** Has the cycle come now, whether it was lost, is waiting for its time, or was never added. */
  async nudge(cycle: CycleJob): Promise<void> {
    const id = jobId(cycle);
    const job = await this.queue.getJob(id);
    if (!job) {
      await this.add(cycle, 0);
    } else if (await job.isDelayed()) {
      await job.promote().catch((error: unknown) => {
        // Another process was faster: what was wanted has happened.
        this.logger.debug(
          `[${cycle.backfill} run ${cycle.run}] cycle ${cycle.cycle} was promoted already: ${String(error)}`,
        );
      });
    }
  }

  async close(): Promise<void> {
    this.stop.abort();
    await this.worker?.close();
    await this.queue.close();
  }

  private async process(job: Job<CycleJob>, runCycle: RunCycle): Promise<void> {
    const { backfill, run, cycle } = job.data;
    const wait = await runCycle(job.data, this.stop.signal);
    if (wait !== null) {
      await this.add({ backfill, run, cycle: cycle + 1 }, wait);
    }
  }

  private async add(cycle: CycleJob, delayMs: number): Promise<void> {
    await this.queue.add('cycle', cycle, { jobId: jobId(cycle), delay: Math.ceil(delayMs) });
  }
}

function jobId({ run, cycle }: CycleJob): string {
  return `${run}-c${cycle}`;
}
