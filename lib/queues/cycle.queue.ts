import { Inject, Injectable, Logger } from '@nestjs/common';
import { Queue, Worker } from 'bullmq';
import type { Job } from 'bullmq';
import { RESOLVED_OPTIONS } from '../config/module-options.js';
import type { ResolvedModuleOptions } from '../config/module-options.js';
import { BackfillKeys } from '../redis/backfill-keys.js';
import { REDIS_CLIENT } from '../redis/redis-connections.js';
import type { RedisClient } from '../redis/redis-connections.js';
import { RedisErrorLog } from '../redis/redis-error.log.js';
import { jobId } from '../state/job-id.js';
import { QUEUE_EVENTS } from './range.queues.js';

/** No backfill can have this name. */
const QUEUE = '_cycles';
const CONCURRENCY = 8;

/** A cycle of a run. */
export interface CycleJob {
  readonly backfill: string;
  readonly run: string;
  readonly cycle: number;
}

/** Runs a cycle; returns the ms until the next one, or `null` when there is none. */
export type RunCycle = (cycle: CycleJob, signal: AbortSignal) => Promise<number | null>;

/**
 * The queue of the cycles of all runs. Each cycle is a job that adds the next one. Run and number are its job id, so
 * that BullMQ has each cycle once, however many processes add it.
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

  /** Starts to process cycles in this process. */
  open(runCycle: RunCycle): void {
    this.worker = new Worker<CycleJob>(QUEUE, (job) => this.process(job, runCycle), {
      connection: this.client,
      prefix: this.keys.prefix,
      concurrency: CONCURRENCY,
      lockDuration: this.options.lockDuration,
      stalledInterval: this.options.lockDuration,
      maxStalledCount: Number.MAX_SAFE_INTEGER,
      runRetryDelay: 1_000,
      removeOnComplete: { count: 0 },
      removeOnFail: { count: 0 },
    });
    this.worker.on('error', this.errors.listener);
  }

  /** Makes a cycle run at once: adds it where it is missing, and promotes it where it is delayed. */
  async runNow(cycle: CycleJob): Promise<void> {
    const job = await this.queue.getJob(cycleId(cycle));
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
    await this.queue.add('cycle', cycle, { jobId: cycleId(cycle), delay: Math.ceil(delayMs) });
  }
}

function cycleId({ run, cycle }: CycleJob): string {
  return jobId(run, `c${cycle}`);
}
