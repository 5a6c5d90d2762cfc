import { Worker, WaitingError } from 'bullmq';
import type { Job } from 'bullmq';
import { AbandonSignal } from '../async/abandon-signal.js';
import { endsWithin } from '../async/timeout.js';
import type { BackfillConfig } from '../config/backfill-config.js';
import { QuotaLimiter } from '../pacing/quota.limiter.js';
import type { RangeJob } from '../queues/range.queues.js';
import type { Claim, ClaimStatus } from '../state/range-steps.js';
import { limitPollMs } from './limit-poll.js';
import { OvertakenError } from './overtaken.error.js';
import { RangeCrashError } from './range-crash.error.js';
import { RangeClaimer } from './range.claimer.js';
import { RangeSettler } from './range.settler.js';
import { RowSemaphore } from './rows/row.semaphore.js';
import type { RangePermits } from './rows/row.semaphore.js';
import type { RunWorkerDeps } from './run-worker.deps.js';
import type { RunWorkerEvents, ServedRun } from './served-run.js';

/** A held worker looks this often whether it still is, should the news have been missed. */
const HELD_POLL_MS = 5_000;
/** Time that handlers which honour their signal have at shutdown after it was aborted. */
const ABORT_GRACE_MS = 2_000;
/**
 * While ranges of rows take less than this, each lane has a second job at hand, whose rows begin while the
 * last ones of the first are under way. Of longer ranges another process may be the one to take the next.
 */
const OVERLAP_BELOW_MS = 2_000;
/** A range that so many processes died with is taken for the cause. */
const MOST_CRASHES = 10;

/** Works off the ranges of one run in this process: takes jobs, claims their ranges, settles outcomes. */
export class RunWorker {
  private readonly worker: Worker<RangeJob>;
  private readonly inFlight = new Map<AbortController, Promise<unknown>>();
  private readonly claimer: RangeClaimer;
  private readonly gate: QuotaLimiter;
  private readonly settler: RangeSettler;
  private readonly abandonment = new AbandonSignal();
  private readonly places = new RowSemaphore(
    () => this.config.concurrency,
    () => (this.run.backfill.shape === 'row' ? this.config.rowConcurrency : 1),
  );
  private overlaps = false;
  private stopping = false;
  private wake: NodeJS.Timeout | undefined;

  constructor(
    readonly run: ServedRun,
    private config: BackfillConfig,
    private readonly deps: RunWorkerDeps,
    private readonly events: RunWorkerEvents,
  ) {
    const { lockDuration } = deps.options;
    this.claimer = new RangeClaimer(run.runId, () => this.config, deps.rangeStore);
    this.gate = new QuotaLimiter(
      (request) => deps.quota.acquire(run.backfill.name, run.runId, this.config.quota, request),
      (error) => deps.logger.warn(`[${run.backfill.name} run ${run.runId}] quota: ${String(error)}`),
    );
    this.settler = new RangeSettler(run, () => this.config, this.gate, deps, events);
    this.worker = new Worker<RangeJob>(run.backfill.name, (job, token) => this.process(job, token), {
      connection: deps.client,
      prefix: deps.keys.prefix,
      concurrency: config.concurrency,
      lockDuration,
      stalledInterval: lockDuration,
      // A range whose worker died is tried again however often; the tracker counts, not the queue.
      maxStalledCount: Number.MAX_SAFE_INTEGER,
      maximumRateLimitDelay: limitPollMs(config),
      runRetryDelay: 1_000,
      removeOnComplete: { count: 0 },
      removeOnFail: { count: 0 },
    });
    this.worker.on('error', (error) => events.error(error));
  }

  /** Takes another config into use. */
  reconfigure(config: BackfillConfig): void {
    this.config = config;
    this.worker.concurrency = this.jobsAtOnce();
    this.places.resize();
    this.worker.opts.maximumRateLimitDelay = limitPollMs(config);
    this.gate.reset();
  }

  /** Begins no row for so many ms: the third party asked some process to wait. */
  hold(ms: number): void {
    this.gate.block(ms);
  }

  /** Looks again whether ranges may start, after a hold was lifted. */
  async wakeUp(): Promise<void> {
    clearTimeout(this.wake);
    if (!this.stopping && this.worker.isPaused()) {
      await this.worker.resume();
    }
  }

  /**
   * Ends the work. With `pause` handlers are told at once to stop; with `shutdown` they have
   * `shutdownTimeout` to finish first. One that does neither is left alone, and its range handed back.
   */
  async close(why: 'pause' | 'shutdown'): Promise<void> {
    const { shutdownTimeout } = this.deps.options;
    this.stopIntake();
    if (why === 'shutdown') {
      await this.settledWithin(shutdownTimeout);
    }
    for (const controller of this.inFlight.keys()) {
      controller.abort(new Error(why === 'pause' ? 'The backfill was stopped' : 'The process shuts down'));
    }
    if (!(await this.settledWithin(why === 'pause' ? shutdownTimeout : ABORT_GRACE_MS))) {
      this.deps.logger.warn(
        `[${this.run.backfill.name} run ${this.run.runId}] ${this.inFlight.size} handlers ignore their ` +
          'signal; their ranges are handed back',
      );
    }
    this.abandonment.abandon();
    await this.worker.close();
  }

  private stopIntake(): void {
    this.stopping = true;
    clearTimeout(this.wake);
    void this.worker.pause(true);
    this.places.close();
  }

  private jobsAtOnce(): number {
    return this.config.concurrency * (this.overlaps ? 2 : 1);
  }

  private settledWithin(ms: number): Promise<boolean> {
    return endsWithin(Promise.all(this.inFlight.values()), ms);
  }

  private async process(job: Job<RangeJob>, token?: string): Promise<void> {
    const { run } = job.data;
    if (run > this.run.runId) {
      // Ids grow with time: this worker's own run is over, and the job is for the worker of the next one.
      void this.worker.pause(true);
      return this.giveBack(job, token);
    }
    if (run !== this.run.runId) {
      return;
    }
    const lane = this.places.lane();
    try {
      await this.workThrough(job, token, lane);
    } finally {
      lane.leave();
    }
  }

  private async workThrough(
    job: Job<RangeJob>,
    token: string | undefined,
    lane: RangePermits,
  ): Promise<void> {
    const { run, first, count } = job.data;
    const acks: Promise<unknown>[] = [];
    const controller = new AbortController();
    let next = first;
    while (next < first + count) {
      await lane.enter();
      if (this.stopping) {
        await this.settler.acknowledged(acks);
        return this.giveBack(job, token);
      }
      const answer = await this.claimer.claim(next, first + count);
      for (const [i, claim] of answer.claims.entries()) {
        next++;
        const kept = claim === null || (await this.work(claim, controller, acks, lane));
        if (!kept) {
          const rest = answer.claims.slice(i + 1).flatMap((other) => (other ? [other.entry.index] : []));
          await Promise.all([
            this.settler.acknowledged(acks),
            rest.length > 0 && this.deps.rangeStore.release(run, rest),
          ]);
          return this.giveBack(job, token);
        }
      }
      if (answer.status !== 'granted') {
        await this.settler.acknowledged(acks);
        return this.yieldTo(answer, job, token);
      }
    }
    await this.settler.acknowledged(acks);
  }

  /** Answers false when the range was given back. */
  private async work(
    claim: Claim,
    controller: AbortController,
    acks: Promise<unknown>[],
    lane: RangePermits,
  ): Promise<boolean> {
    await lane.enter();
    const done = this.workOne(claim, controller.signal, acks, lane);
    this.inFlight.set(controller, done);
    try {
      return await done;
    } finally {
      this.inFlight.delete(controller);
      lane.leave();
    }
  }

  private async workOne(
    claim: Claim,
    signal: AbortSignal,
    acks: Promise<unknown>[],
    room: RangePermits,
  ): Promise<boolean> {
    const { rangeStore, executor } = this.deps;
    const { backfill, runId, dryRun } = this.run;
    const { entry } = claim;
    await this.claimer.moment(claim, signal);
    if (this.stopping || signal.aborted) {
      await rangeStore.release(runId, [entry.index]);
      return false;
    }
    if (entry.crashes >= MOST_CRASHES) {
      const error = new RangeCrashError(backfill.name, entry.crashes);
      return this.settler.settle(entry, { kind: 'failed', error }, signal, acks);
    }
    let left = entry;
    const began = performance.now();
    const outcome = await this.abandonment.race(
      executor.execute({
        backfill,
        runId,
        dryRun,
        entry,
        signal,
        rows: {
          concurrency: () => this.config.rowConcurrency,
          permits: room,
          timeoutMs: () => this.config.rowTimeoutMs,
          acknowledgeMs: () => this.config.rowAckMs,
          acquireQuota: this.gate.acquire,
          acknowledge: async (done, keys) => {
            const kept = await rangeStore.acknowledgeRows(runId, left, done, keys);
            if (!kept) {
              throw new OvertakenError(backfill.name, entry.index);
            }
            left = kept;
          },
          escalate: (error) => this.settler.escalateRow(error),
        },
      }),
    );
    if (outcome === 'abandoned') {
      await rangeStore.release(runId, [entry.index]);
      return false;
    }
    if (outcome.kind === 'done') {
      this.took(performance.now() - began, entry.rows);
    }
    return this.settler.settle(left, outcome, signal, acks);
  }

  private took(ms: number, rows: number): void {
    if (this.config.autoTune) {
      this.deps.tuner.note(this.run.runId, ms, rows);
    }
    this.overlaps = this.run.backfill.shape === 'row' && ms < OVERLAP_BELOW_MS;
    this.worker.concurrency = this.jobsAtOnce();
  }

  /** The run stopped, is held, or the next moment is far off: the job waits its turn again. */
  private async yieldTo(answer: ClaimStatus, job: Job<RangeJob>, token?: string): Promise<never> {
    if (answer.status === 'later') {
      await this.deps.queues.of(this.run.backfill.name).rateLimit(Math.max(1, answer.ms));
      throw Worker.RateLimitError();
    }
    void this.worker.pause(true);
    if (answer.status === 'held' && !this.stopping) {
      clearTimeout(this.wake);
      this.wake = setTimeout(
        () => void this.wakeUp(),
        answer.retryInMs === null ? HELD_POLL_MS : Math.min(answer.retryInMs + 1, HELD_POLL_MS),
      );
    }
    return this.giveBack(job, token);
  }

  private async giveBack(job: Job<RangeJob>, token?: string): Promise<never> {
    await job.moveToWait(token);
    throw new WaitingError();
  }
}
