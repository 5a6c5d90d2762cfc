import { Inject, Injectable } from '@nestjs/common';
import type { Job } from 'bullmq';
import { AbandonSignal } from '../async/abandon-signal.js';
import { endsWithin } from '../async/timeout.js';
import { RESOLVED_OPTIONS } from '../config/module-options.js';
import type { ResolvedModuleOptions } from '../config/module-options.js';
import { LibraryConnections } from '../database/library-connections.js';
import { cycleQueueName, CycleQueues } from '../queues/cycle.queues.js';
import type { CycleJob } from '../queues/cycle.queues.js';
import { workerOptions } from '../queues/queue-map.js';
import { QueueWorker } from '../queues/queue.worker.js';
import { BackfillKeys } from '../redis/backfill-keys.js';
import { REDIS_CLIENT } from '../redis/redis-connections.js';
import type { RedisClient } from '../redis/redis-connections.js';
import { RedisErrorLog } from '../redis/redis-error.log.js';
import { CycleRunner } from './cycle.runner.js';

/** Time that sources have to honor their abort signal at shutdown. */
const ABORT_GRACE_MS = 2_000;

/** Processes the cycles of the backfills that this process serves. Each cycle adds the next one. */
@Injectable()
export class CycleWorkers {
  private readonly workers = new Map<string, QueueWorker<CycleJob>>();
  /** Workers that wait for the end of their last cycle. */
  private readonly closing = new Set<Promise<void>>();
  private readonly shutdown = new AbortController();
  private readonly abandonSignal = new AbandonSignal();

  constructor(
    @Inject(REDIS_CLIENT) private readonly client: RedisClient,
    private readonly keys: BackfillKeys,
    @Inject(RESOLVED_OPTIONS) private readonly options: ResolvedModuleOptions,
    private readonly queues: CycleQueues,
    private readonly runner: CycleRunner,
    private readonly connections: LibraryConnections,
    private readonly errors: RedisErrorLog,
  ) {}

  /** Starts to process the cycles of a backfill, unless that has been started or the process shuts down. */
  start(backfill: string): void {
    if (this.workers.has(backfill) || this.shutdown.signal.aborted) {
      return;
    }
    const worker = new QueueWorker<CycleJob>(
      cycleQueueName(backfill),
      (job) => this.process(job),
      workerOptions(this.client, this.keys.prefix, this.options.lockDuration),
    );
    worker.on('error', this.errors.listener);
    this.workers.set(backfill, worker);
  }

  /** Takes no further cycle of a backfill. The current one ends by itself: its query may take long. */
  stop(backfill: string): void {
    const worker = this.workers.get(backfill);
    if (worker) {
      this.workers.delete(backfill);
      const closed: Promise<void> = worker
        .close()
        .catch(this.errors.listener)
        .finally(() => this.closing.delete(closed));
      this.closing.add(closed);
    }
  }

  /** Takes no further cycle, and aborts the current ones. Sources that ignore their signal are abandoned. */
  async close(): Promise<void> {
    this.shutdown.abort();
    for (const backfill of this.workers.keys()) {
      this.stop(backfill);
    }
    const closed = Promise.all(this.closing);
    if (!(await endsWithin(closed, ABORT_GRACE_MS))) {
      this.abandonSignal.abandon();
      await closed;
    }
  }

  private async process(job: Job<CycleJob>): Promise<void> {
    const { backfill, run, cycle } = job.data;
    const running = this.connections.runFor(run, () => this.runner.run(job.data, this.shutdown.signal));
    const waitMs = await this.abandonSignal.race(running);
    if (waitMs === 'abandoned') {
      // The watchdog of another process adds the cycle again.
      throw new Error(`Expected cycle ${cycle} of run ${run} to end at shutdown, got none`);
    }
    if (waitMs !== null) {
      await this.queues.add({ backfill, run, cycle: cycle + 1 }, waitMs);
    }
  }
}
