import { Worker, WaitingError } from 'bullmq';
import type { Job } from 'bullmq';
import type { BackfillConfig } from '../config/backfill-config.js';
import { shortestWindow } from '../pacing/queue-limiter.js';
import { QuotaLimiter } from '../pacing/quota.limiter.js';
import { workerOptions } from '../queues/queue-map.js';
import { rangeQueueName } from '../queues/range.queues.js';
import type { RangeJob } from '../queues/range.queues.js';
import { jobSuffix } from '../state/job-id.js';
import type { WorkState } from '../state/work-report.js';
import { LimitedWorker } from './limited.worker.js';
import { RangeClaimer } from './range.claimer.js';
import type { JobClaims, NextClaim } from './range.claimer.js';
import { RangeProcessor } from './range.processor.js';
import { RangeSettler } from './range.settler.js';
import { RunSlots } from './run-slots.js';
import { RowSemaphore } from './rows/row.semaphore.js';
import type { Permits } from './rows/row.semaphore.js';
import type { RunWorkerDeps } from './run-worker.deps.js';
import type { RunWorkerEvents, ServedRun } from './served-run.js';
import { WorkerBudget } from './worker-budget.js';

/** How often the worker of a held run looks whether it still is, in case it missed the event. */
const HELD_POLL_MS = 5_000;
/**
 * While ranges of rows take less than this, one job is prefetched for each that is processed: its rows start while the
 * last rows of the range before are running. Longer ranges are left to other processes.
 */
const PREFETCH_BELOW_MS = 2_000;
/**
 * How often a worker that waits for the end of the limit of its queue looks whether it still holds. It is woken when that changes:
 * by the event, or by the next tick of the watchdog where the event was missed.
 */
const LIMIT_POLL_MS = 30_000;

/** Why a job ends. `interrupted`: the worker stops, or the last range was released. */
type JobEnd = Exclude<NextClaim, { readonly status: 'claimed' }> | { readonly status: 'interrupted' };

/** Processes one run in this process: takes its jobs from BullMQ, claims their ranges, has them processed. */
export class RunWorker {
  private readonly worker: LimitedWorker<RangeJob>;
  private readonly limiter: QuotaLimiter;
  private readonly budget: WorkerBudget;
  private readonly claimer: RangeClaimer;
  private readonly settler: RangeSettler;
  private readonly ranges: RangeProcessor;
  private readonly slots: RunSlots;
  private readonly semaphore = new RowSemaphore(
    () => this.slots.ranges,
    () => this.slots.rows,
  );
  /** Ids of the jobs that were put back, and not taken again by this worker. */
  private readonly returned = new Set<string>();
  private prefetching = false;
  private stopping = false;
  /** The rate in force, as `followRate` was last told. */
  private perSecond: number | null = null;
  private resumeTimer: NodeJS.Timeout | undefined;

  constructor(
    readonly run: ServedRun,
    private config: BackfillConfig,
    private readonly deps: RunWorkerDeps,
    private readonly events: RunWorkerEvents,
  ) {
    const current = () => this.config;
    this.limiter = new QuotaLimiter(
      (request) => deps.quota.acquire(run.backfill.name, run.runId, this.config.quota, request),
      (error) => {
        const scope = { backfill: run.backfill.name, runId: run.runId };
        deps.logger.limit('quota', 'warn', scope, `quota: ${String(error)}`);
      },
    );
    this.slots = new RunSlots(
      run,
      current,
      deps.concurrency,
      () => this.resize(),
      (error) => events.error(error),
    );
    this.budget = new WorkerBudget(run, deps, {
      report: () => this.claimer.reportBudget(),
      wake: () => this.claimer.wake(),
    });
    this.claimer = new RangeClaimer(run, current, deps.rangeStore, this.budget.ranges, deps.turns);
    this.settler = new RangeSettler(run, current, this.limiter, this.budget.calls, deps, events);
    this.ranges = new RangeProcessor(
      run,
      current,
      this.claimer,
      this.limiter,
      this.budget.calls,
      this.settler,
      this.slots,
      deps,
      (ms, rows) => this.recordDuration(ms, rows),
    );
    const queue = rangeQueueName(run.backfill.name, run.runId);
    const process = (job: Job<RangeJob>, token?: string) =>
      deps.connections.runFor(run.runId, () => this.processJob(job, token));
    const options = {
      ...workerOptions(deps.client, deps.keys.prefix, deps.options.lockDuration),
      concurrency: this.slots.ranges,
      maximumRateLimitDelay: LIMIT_POLL_MS,
    };
    this.worker = new LimitedWorker<RangeJob>(queue, process, options, () => this.windowMs());
    this.worker.on('error', (error) => events.error(error));
  }

  /** Applies a changed config. */
  reconfigure(config: BackfillConfig): void {
    this.config = config;
    this.slots.reconfigure();
    this.resize();
    this.limiter.reset();
  }

  /** What it is working on. */
  report(): WorkState {
    return this.ranges.meter.report();
  }

  /** Starts no call for so many ms: the third party asked a process to wait. */
  blockCalls(ms: number): void {
    this.limiter.block(ms);
  }

  /** Is told the rate in force at each tick: where the event was missed, a change takes effect now. */
  followRate(perSecond: number | null): void {
    if (perSecond !== this.perSecond) {
      this.perSecond = perSecond;
      void this.resume();
    }
  }

  /** Resumes a worker that paused itself because its run is held; one that waits for the limit of the queue looks at it again. */
  async resume(): Promise<void> {
    clearTimeout(this.resumeTimer);
    if (this.stopping) {
      return;
    }
    if (this.worker.isPaused()) {
      await this.worker.resume();
    }
    this.worker.wake();
  }

  /**
   * Takes no further job, stops the ranges in flight as `RangeProcessor.stop` does, and closes the BullMQ worker.
   *
   * @param why `end`: nobody is to take the jobs of the run that were put back
   */
  async close(why: 'pause' | 'shutdown' | 'end'): Promise<void> {
    this.stopping = true;
    clearTimeout(this.resumeTimer);
    this.claimer.close();
    void this.worker.pause(true);
    this.semaphore.close();
    const closed = this.slots.close();
    await this.ranges.stop(why === 'shutdown' ? why : 'pause');
    await Promise.all([this.worker.close(), this.settler.close(), closed]);
    this.budget.close();
    await this.claimer.reportBudget();
    if (why === 'end') {
      const queue = this.deps.queues.of(this.run.backfill.name, this.run.runId);
      await Promise.all([...this.returned].map((id) => queue.remove(id)));
    }
  }

  /** Processes the ranges of a job, one after another. */
  private async processJob(job: Job<RangeJob>, token?: string): Promise<void> {
    const { run, first, count } = job.data;
    this.returned.delete(job.id ?? '');
    if (run > this.run.runId) {
      // Run ids are ordered by time: the job is for the worker of the next run, and this one's run has ended.
      void this.worker.pause(true);
      return this.requeue(job, token);
    }
    if (run !== this.run.runId) {
      return;
    }
    const claims = this.claimer.claimsOf(jobSuffix(run, job.id ?? ''), first, count);
    const controller = new AbortController();
    const pendingAcks: Promise<unknown>[] = [];
    let end: JobEnd | null = null;
    while (!end) {
      // Acquired and released here and nowhere else. `RowProcessor` acquires and releases one of them for each row.
      const permits = await this.semaphore.acquireRange();
      try {
        end = this.stopping
          ? { status: 'interrupted' }
          : await this.processNext(claims, permits, controller, pendingAcks);
      } finally {
        this.semaphore.releaseRange(permits);
      }
    }
    await Promise.all([this.settler.flush(pendingAcks), this.releaseUnprocessed(claims)]);
    return this.endJob(end, job, token);
  }

  /** Claims and processes the next range of a job; answers why the job ends, or `null` when it goes on. */
  private async processNext(
    claims: JobClaims,
    permits: Permits,
    controller: AbortController,
    pendingAcks: Promise<unknown>[],
  ): Promise<JobEnd | null> {
    // Few promises are made for a range: they are most of what a range costs that has little to do.
    const next = claims.take() ?? (await claims.next());
    if (next.status !== 'claimed') {
      return next;
    }
    const { claim } = next;
    const claimedAt = performance.now();
    let result;
    try {
      result = await this.ranges.processRange(claim, permits, controller, pendingAcks);
    } finally {
      // The budget has the place of the range again.
      this.claimer.release(performance.now() - claimedAt);
    }
    const resting = this.slots.rest(performance.now() - Math.max(claimedAt, claim.dueAt));
    if (resting) {
      await resting;
    }
    return result === 'settled' ? null : { status: 'interrupted' };
  }

  /** Completes a job whose ranges are all processed; any other goes back to the queue. */
  private async endJob(end: JobEnd, job: Job<RangeJob>, token?: string): Promise<void> {
    switch (end.status) {
      case 'exhausted':
        return;
      case 'later':
        this.returned.add(job.id ?? '');
        await this.deps.queues.of(this.run.backfill.name, this.run.runId).rateLimit(Math.max(1, end.ms));
        throw Worker.RateLimitError();
      case 'held':
        void this.worker.pause(true);
        this.resumeIn(end.retryInMs === null ? HELD_POLL_MS : Math.min(end.retryInMs + 1, HELD_POLL_MS));
        return this.requeue(job, token);
      case 'stopped':
        void this.worker.pause(true);
        return this.requeue(job, token);
      case 'interrupted':
        return this.requeue(job, token);
      default:
        return end satisfies never;
    }
  }

  private async requeue(job: Job<RangeJob>, token?: string): Promise<never> {
    if (job.data.run === this.run.runId) {
      this.returned.add(job.id ?? '');
    }
    await job.moveToWait(token);
    throw new WaitingError();
  }

  private async releaseUnprocessed(claims: JobClaims): Promise<void> {
    const indexes = claims.unprocessed();
    if (indexes.length > 0) {
      this.claimer.release(null, indexes.length);
      await this.deps.rangeStore.release(this.run.runId, indexes);
    }
  }

  private resumeIn(ms: number): void {
    if (!this.stopping) {
      clearTimeout(this.resumeTimer);
      this.resumeTimer = setTimeout(() => void this.resume(), ms);
    }
  }

  private recordDuration(ms: number, rows: number): void {
    if (this.run.canary) {
      // The acknowledgement of the range, which may end the canary, follows on the same connection.
      this.deps.rangeStore
        .timeCanary(this.run.runId, ms, rows)
        .catch((error: unknown) => this.events.error(error as Error));
    }
    if (this.config.autoTune) {
      this.deps.tuner.record(this.run.runId, ms, rows);
    }
    if (this.run.backfill.guard === 'lock') {
      this.deps.heldBatches.record(this.run.runId, ms);
    }
    this.prefetching = this.run.backfill.shape === 'row' && ms < PREFETCH_BELOW_MS;
    this.worker.concurrency = this.jobsAtOnce();
  }

  /** As short as by the config and by the rate in force: an event may not have told of a change of one of them yet. */
  private windowMs(): number {
    const { perSecondOnPeak, perSecondOffPeak } = this.config;
    return Math.min(shortestWindow(perSecondOnPeak, perSecondOffPeak), shortestWindow(this.perSecond));
  }

  private jobsAtOnce(): number {
    return this.slots.ranges * (this.prefetching ? 2 : 1);
  }

  private resize(): void {
    this.worker.concurrency = this.jobsAtOnce();
    this.semaphore.resize();
  }
}
