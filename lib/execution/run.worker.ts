import type { Logger } from '@nestjs/common';
import { Worker, WaitingError } from 'bullmq';
import type { Job } from 'bullmq';
import type { BackfillConfig } from '../config/backfill-config.js';
import type { RegisteredBackfill } from '../discovery/registered-backfill.js';
import type { BackfillQueues, RangeJob } from '../queues/backfill-queues.js';
import type { RedisClient } from '../redis/lua-script.js';
import type { Claim, ClaimAnswer, RangeTracker, Settled } from '../tracking/range.tracker.js';
import type { WorkEntry } from '../tracking/work-entry.js';
import { OvertakenError } from '../errors/overtaken.error.js';
import { RangeCrashError } from '../errors/range-crash.error.js';
import type { BatchTuner } from '../throttling/batch.tuner.js';
import type { QuotaBucket } from '../throttling/quota.bucket.js';
import { QuotaGate } from '../throttling/quota.gate.js';
import { asksToStop, classifyError } from './classify-error.js';
import { decideSettlement } from './decide-settlement.js';
import type { Decision } from './decide-settlement.js';
import type { Outcome, RangeExecutor } from './range.executor.js';
import { sleep } from './sleep.js';
import { TurnBatcher } from './turn-batcher.js';
import type { WorkSplitter } from './work.splitter.js';

/** A worker that waits for the rate limit looks this often whether the limit was lifted. */
const LIMIT_POLL_MS = 200;
/** A claim whose moment is further off is given back, so that a pause or another rate never waits for it. */
const LONGEST_WAIT_MS = 250;
/** A held worker looks this often whether it still is, should the news have been missed. */
const HELD_POLL_MS = 5_000;
/** Time that handlers which honour their signal have at shutdown after it was aborted. */
const ABORT_GRACE_MS = 2_000;

/** A range that so many processes died with is taken for the cause. */
const MOST_CRASHES = 10;

/** Wishes to wait that end this close to each other are one. */
const SAME_WISH_MS = 100;

/** What a worker tells of. */
export interface RunWorkerEvents {
  /** So little is outstanding that the next cycle should come at once. */
  readonly low: () => void;
  /** An error asks for more than this range: a hold, or a pause. */
  readonly troubled: (trouble: Pick<Decision, 'verdict' | 'error'>) => Promise<void>;
  /** Failures were quarantined: are there too many? */
  readonly quarantined: () => Promise<void>;
  readonly error: (error: Error) => void;
}

/** What a worker works with. */
export interface RunWorkerParts {
  readonly client: RedisClient;
  readonly queues: BackfillQueues;
  readonly tracker: RangeTracker;
  readonly executor: RangeExecutor;
  readonly splitter: WorkSplitter;
  readonly quota: QuotaBucket;
  readonly tuner: BatchTuner;
  readonly logger: Logger;
  readonly prefix: string;
  readonly lockDuration: number;
  readonly shutdownTimeout: number;
}

/** The run a worker serves. */
export interface ServedRun {
  readonly backfill: RegisteredBackfill;
  readonly runId: string;
  readonly dryRun: boolean;
}

/** Works off the ranges of one run in this process: takes jobs, claims their ranges, settles outcomes. */
export class RunWorker {
  private readonly worker: Worker<RangeJob>;
  private readonly inFlight = new Map<AbortController, Promise<unknown>>();
  private readonly claims: TurnBatcher<readonly number[], ClaimAnswer>;
  private readonly acks: TurnBatcher<{ index: number; rows: number }, Settled>;
  private readonly gate: QuotaGate;
  /** A wish of the third party that is met already, by `performance.now()`. */
  private heldUntil = 0;
  private abandon: () => void = () => undefined;
  private readonly abandoned: Promise<'abandoned'>;
  private stopping = false;
  private wake: NodeJS.Timeout | undefined;

  constructor(
    readonly run: ServedRun,
    private config: BackfillConfig,
    private readonly parts: RunWorkerParts,
    private readonly events: RunWorkerEvents,
  ) {
    const { tracker, client, prefix, lockDuration } = parts;
    this.abandoned = new Promise((resolve) => {
      this.abandon = () => resolve('abandoned');
    });
    this.claims = new TurnBatcher((requests) => claimTogether(tracker, run.runId, requests));
    this.acks = new TurnBatcher(async (done) => {
      const settled = await tracker.acknowledge(run.runId, done);
      this.afterSettled(settled);
      return done.map(() => settled);
    });
    this.gate = new QuotaGate(
      (calls, withinMs, readyInMs) =>
        parts.quota.take(run.backfill.name, run.runId, this.config.quota, calls, withinMs, readyInMs),
      (error) => parts.logger.warn(`[${run.backfill.name} run ${run.runId}] quota: ${String(error)}`),
    );
    this.worker = new Worker<RangeJob>(run.backfill.name, (job, token) => this.process(job, token), {
      connection: client,
      prefix,
      concurrency: config.concurrency,
      lockDuration,
      stalledInterval: lockDuration,
      // A range whose worker died is tried again however often; the tracker counts, not the queue.
      maxStalledCount: Number.MAX_SAFE_INTEGER,
      maximumRateLimitDelay: LIMIT_POLL_MS,
      runRetryDelay: 1_000,
      removeOnComplete: { count: 0 },
      removeOnFail: { count: 0 },
    });
    this.worker.on('error', (error) => events.error(error));
  }

  /** Takes another config into use. */
  reconfigure(config: BackfillConfig): void {
    this.config = config;
    this.worker.concurrency = config.concurrency;
    this.gate.reconsider();
  }

  /** Begins no row for so many ms: the third party asked some process to wait. */
  hold(ms: number): void {
    this.gate.hold(ms);
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
    const { shutdownTimeout } = this.parts;
    this.stopIntake();
    if (why === 'shutdown') {
      await this.settledWithin(shutdownTimeout);
    }
    for (const controller of this.inFlight.keys()) {
      controller.abort(new Error(why === 'pause' ? 'The backfill was stopped' : 'The process shuts down'));
    }
    if (!(await this.settledWithin(why === 'pause' ? shutdownTimeout : ABORT_GRACE_MS))) {
      this.parts.logger.warn(
        `[${this.run.backfill.name} run ${this.run.runId}] ${this.inFlight.size} handlers ignore their ` +
          'signal; their ranges are handed back',
      );
    }
    this.abandon();
    await this.worker.close();
  }

  private stopIntake(): void {
    this.stopping = true;
    clearTimeout(this.wake);
    void this.worker.pause(true);
  }

  private async settledWithin(ms: number): Promise<boolean> {
    const timer = new AbortController();
    const all = Promise.all(this.inFlight.values()).then(() => true);
    const answer = await Promise.race([all, sleep(ms, timer.signal).then(() => false)]);
    timer.abort();
    return answer;
  }

  private async process(job: Job<RangeJob>, token?: string): Promise<void> {
    const { run, first, count } = job.data;
    if (run > this.run.runId) {
      // Ids grow with time: this worker's own run is over, and the job is for the worker of the next one.
      void this.worker.pause(true);
      return this.giveBack(job, token);
    }
    if (run !== this.run.runId) {
      return;
    }
    const acks: Promise<unknown>[] = [];
    const controller = new AbortController();
    let next = first;
    while (next < first + count) {
      if (this.stopping) {
        await Promise.all(acks);
        return this.giveBack(job, token);
      }
      const answer = await this.claims.ask(this.indexes(next, first + count));
      for (const [i, claim] of answer.claims.entries()) {
        next++;
        const kept = claim === null || (await this.work(claim, controller, acks));
        if (!kept) {
          const rest = answer.claims.slice(i + 1).flatMap((other) => (other ? [other.entry.index] : []));
          await Promise.all([...acks, rest.length > 0 && this.parts.tracker.release(run, rest)]);
          return this.giveBack(job, token);
        }
      }
      if (answer.verdict !== 'go') {
        await Promise.all(acks);
        return this.yieldTo(answer, job, token);
      }
    }
    await Promise.all(acks);
  }

  /** Unpaced ranges of a job are claimed together; paced ones singly, each for its own moment. */
  private indexes(from: number, to: number): number[] {
    const paced = this.config.perSecondOnPeak !== null || this.config.perSecondOffPeak !== null;
    return paced ? [from] : Array.from({ length: to - from }, (_, i) => from + i);
  }

  /** Answers false when the range was given back. */
  private async work(
    { entry, waitMs }: Claim,
    controller: AbortController,
    acks: Promise<unknown>[],
  ): Promise<boolean> {
    const done = this.workOne(entry, waitMs, controller.signal, acks);
    this.inFlight.set(controller, done);
    try {
      return await done;
    } finally {
      this.inFlight.delete(controller);
    }
  }

  private async workOne(
    entry: WorkEntry,
    waitMs: number,
    signal: AbortSignal,
    acks: Promise<unknown>[],
  ): Promise<boolean> {
    const { tracker, executor } = this.parts;
    const { backfill, runId, dryRun } = this.run;
    await sleep(waitMs, signal);
    if (this.stopping || signal.aborted) {
      await tracker.release(runId, [entry.index]);
      return false;
    }
    if (entry.crashes >= MOST_CRASHES) {
      const error = new RangeCrashError(backfill.name, entry.crashes);
      return this.conclude(entry, { kind: 'failed', error }, signal, acks);
    }
    let left = entry;
    const began = performance.now();
    const outcome = await Promise.race([
      executor.execute({
        backfill,
        runId,
        dryRun,
        entry,
        signal,
        rowConcurrency: () => this.config.rowConcurrency,
        rows: {
          timeoutMs: () => this.config.rowTimeoutMs,
          acknowledgeMs: () => this.config.rowAckMs,
          admit: this.gate.pass,
          acknowledge: async (done, keys) => {
            const kept = await tracker.acknowledgeRows(runId, left, done, keys);
            if (!kept) {
              throw new OvertakenError(backfill.name, entry.index);
            }
            left = kept;
          },
          troubled: async (error) => {
            try {
              await this.troubled(error);
            } catch (trouble) {
              this.events.error(toError(trouble));
            }
          },
        },
      }),
      this.abandoned,
    ]);
    if (outcome === 'abandoned') {
      await tracker.release(runId, [entry.index]);
      return false;
    }
    if (outcome.kind === 'done' && this.config.autoTune) {
      this.parts.tuner.note(runId, performance.now() - began, entry.rows);
    }
    return this.conclude(left, outcome, signal, acks);
  }

  private async conclude(
    entry: WorkEntry,
    outcome: Outcome,
    signal: AbortSignal,
    acks: Promise<unknown>[],
  ): Promise<boolean> {
    const { tracker, splitter } = this.parts;
    const { backfill, runId } = this.run;
    const decision = await decideSettlement(
      backfill,
      entry,
      outcome,
      this.config,
      (work) => splitter.split(backfill, work),
      new Date(),
      signal.aborted,
    );
    if (decision.kind === 'ack') {
      acks.push(this.acks.ask({ index: entry.index, rows: decision.rows }));
      return true;
    }
    if (decision.verdict && outcome.kind === 'failed' && asksToStop(outcome.error)) {
      await this.troubled(outcome.error);
    }
    if (!decision.settlement) {
      await tracker.release(runId, [entry.index]);
      return false;
    }
    this.logOutcome(entry, decision);
    const settled = await tracker.settle(runId, decision.settlement);
    await this.parts.queues.add(
      backfill.name,
      runId,
      settled.successors.map(({ job }, i) => ({
        job,
        delayMs: decision.settlement?.successors[i]?.delayMs ?? 0,
      })),
    );
    this.afterSettled(settled);
    if (settled.counted && decision.settlement.failures.length > 0) {
      await this.events.quarantined();
    }
    return true;
  }

  /** Does at once, and once for all rows that meet it together, what an error asks for beyond its range. */
  private async troubled(error: unknown): Promise<void> {
    const verdict = classifyError(error);
    if (verdict.kind === 'wait') {
      const until = performance.now() + verdict.ms;
      if (until <= this.heldUntil + SAME_WISH_MS) {
        return;
      }
      this.heldUntil = until;
      this.gate.hold(verdict.ms);
    }
    if (verdict.kind === 'wait') {
      const { backfill, runId } = this.run;
      const { quota } = this.config;
      await this.parts.quota.cut(backfill.name, runId, quota, verdict.ms, this.gate.meter.perSecond());
    }
    await this.events.troubled({ verdict, error });
  }

  private afterSettled({ low }: Settled): void {
    if (low) {
      this.events.low();
    }
  }

  private logOutcome(entry: WorkEntry, { settlement, error }: Decision): void {
    const where = `[${this.run.backfill.name} run ${this.run.runId} range ${entry.index}]`;
    const text = error instanceof Error ? `${error.name}: ${error.message}` : String(error);
    const failures = settlement?.failures.length ?? 0;
    const successors = settlement?.successors ?? [];
    if (failures > 0) {
      this.parts.logger.error(
        `${where} ${failures} quarantined after attempt ${entry.attempts + 1}: ${text}`,
      );
    } else if (error !== null && successors.length > 1) {
      this.parts.logger.warn(
        `${where} split in ${successors.length} after attempt ${entry.attempts + 1}: ${text}`,
      );
    } else if (error !== null) {
      const wait = successors[0]?.delayMs ?? 0;
      this.parts.logger.warn(`${where} attempt ${entry.attempts + 1} failed, again in ${wait} ms: ${text}`);
    }
  }

  /** The run stopped, is held, or the next moment is far off: the job waits its turn again. */
  private async yieldTo({ verdict, ms }: ClaimAnswer, job: Job<RangeJob>, token?: string): Promise<never> {
    if (verdict === 'later') {
      await this.parts.queues.of(this.run.backfill.name).rateLimit(Math.max(1, ms));
      throw Worker.RateLimitError();
    }
    void this.worker.pause(true);
    if (verdict === 'held' && !this.stopping) {
      clearTimeout(this.wake);
      this.wake = setTimeout(
        () => void this.wakeUp(),
        ms < 0 ? HELD_POLL_MS : Math.min(ms + 1, HELD_POLL_MS),
      );
    }
    return this.giveBack(job, token);
  }

  private async giveBack(job: Job<RangeJob>, token?: string): Promise<never> {
    await job.moveToWait(token);
    throw new WaitingError();
  }
}

function toError(thrown: unknown): Error {
  return thrown instanceof Error ? thrown : new Error(String(thrown));
}

async function claimTogether(
  tracker: RangeTracker,
  runId: string,
  requests: readonly (readonly number[])[],
): Promise<ClaimAnswer[]> {
  const answer = await tracker.claim(runId, requests.flat(), LONGEST_WAIT_MS);
  let at = 0;
  return requests.map((indexes) => {
    const claims = answer.claims.slice(at, at + indexes.length);
    at += indexes.length;
    return { verdict: claims.length === indexes.length ? 'go' : answer.verdict, ms: answer.ms, claims };
  });
}
