import { AbandonSignal } from '../async/abandon-signal.js';
import { isOverload } from '../database/classify-error.js';
import { endsWithin } from '../async/timeout.js';
import type { BackfillConfig } from '../config/backfill-config.js';
import type { CallLimiters } from '../pacing/budget/call.limiters.js';
import type { Work } from '../pacing/concurrency/load.meter.js';
import type { QuotaLimiter } from '../pacing/quota.limiter.js';
import type { RunJournal } from '../journal/run-journal.js';
import type { RangeEntry } from '../state/range-entry.js';
import type { Claim } from '../state/range-steps.js';
import type { Outcome, RowSettings } from './execution.js';
import type { RangeClaimer } from './range.claimer.js';
import { OvertakenError, RangeCrashError } from './range.errors.js';
import type { RangeSettler } from './range.settler.js';
import { RowSampler } from './row.sampler.js';
import type { RunSlots } from './run-slots.js';
import type { Permits } from './rows/row.semaphore.js';
import type { RunWorkerDeps } from './run-worker.deps.js';
import type { ServedRun } from './served-run.js';
import { WorkMeter } from './work.meter.js';
import type { RangeInProcess } from './work.meter.js';

/** Time that handlers have to honor their abort signal at shutdown. */
const ABORT_GRACE_MS = 2_000;
/** A range that crashed so many processes is failed without being executed again. */
const MAX_CRASHES = 10;

/** A range that is executed. */
interface RangeInFlight {
  /** Each acknowledgement of rows replaces it by one with those that remain. */
  entry: RangeEntry;
  /** Of the whole range. */
  readonly rows: number;
  readonly work: RangeInProcess;
  /** Absent: nothing is measured. */
  readonly load: Work | undefined;
  readonly startedAt: number;
}

/** Processes claimed ranges of one run: waits until each is due, executes it, settles its outcome. */
export class RangeProcessor {
  /** The controllers of the ranges in flight. */
  private readonly inFlight = new Set<AbortController>();
  /** Each waits until nothing is in flight. */
  private readonly drained: (() => void)[] = [];
  readonly meter = new WorkMeter();
  private readonly abandonSignal = new AbandonSignal();
  private readonly sampler: RowSampler | undefined;
  private readonly journal: RunJournal | undefined;
  private stopping = false;

  /** @param onDone called with the duration and the rows of each range that succeeded */
  constructor(
    private readonly run: ServedRun,
    private readonly config: () => BackfillConfig,
    private readonly claimer: RangeClaimer,
    private readonly limiter: QuotaLimiter,
    private readonly callLimiters: CallLimiters,
    private readonly settler: RangeSettler,
    private readonly slots: RunSlots,
    private readonly deps: RunWorkerDeps,
    private readonly onDone: (ms: number, rows: number) => void,
  ) {
    const { runId, sample } = run;
    this.journal = run.dryRun ? undefined : deps.journals.of(run.backfill, runId);
    this.sampler = sample > 0 ? new RowSampler(deps.rowSample, runId, sample) : undefined;
  }

  /**
   * Processes a claimed range. Answers `released` when it has to be processed again, and so its job, too.
   *
   * @param controller of the job, which processes one range at a time: a signal for each range would be much of its cost
   * @param pendingAcks receives the acknowledgement, which is not waited for here
   */
  async processRange(
    claim: Claim,
    permits: Permits,
    controller: AbortController,
    pendingAcks: Promise<unknown>[],
  ): Promise<'settled' | 'released'> {
    const { entry } = claim;
    const { signal } = controller;
    this.inFlight.add(controller);
    try {
      const due = this.claimer.waitUntilDue(claim, signal);
      if (due) {
        await due;
      }
      if (this.stopping || signal.aborted) {
        return await this.release(entry);
      }
      if (entry.crashes >= MAX_CRASHES) {
        const error = new RangeCrashError(this.run.backfill.name, entry.crashes);
        return await this.settler.settle(entry, { kind: 'failed', error }, signal);
      }
      const range = this.begin(entry);
      const outcome = await this.abandonSignal.race(this.execute(range, permits, signal));
      this.end(range, outcome);
      if (outcome === 'abandoned') {
        return await this.release(entry);
      }
      if (outcome.kind === 'done') {
        this.settler.acknowledge(range.entry, outcome, pendingAcks);
        return 'settled';
      }
      return await this.settler.settle(range.entry, outcome, signal);
    } finally {
      this.inFlight.delete(controller);
      this.noteDrained();
    }
  }

  /**
   * Stops the ranges in flight. With `pause` their signals are aborted at once; with `shutdown` they have
   * `shutdownTimeout` to finish first. Handlers that ignore their signal are abandoned and their ranges released.
   */
  async stop(why: 'pause' | 'shutdown'): Promise<void> {
    const { shutdownTimeout } = this.deps.options;
    this.stopping = true;
    if (why === 'shutdown') {
      await this.drain(shutdownTimeout);
    }
    this.meter.noteAbort();
    for (const controller of this.inFlight) {
      controller.abort(new Error(why === 'pause' ? 'The backfill was stopped' : 'The process shuts down'));
    }
    if (!(await this.drain(why === 'pause' ? shutdownTimeout : ABORT_GRACE_MS))) {
      this.deps.logger.write(
        'warn',
        { backfill: this.run.backfill.name, runId: this.run.runId },
        `${this.inFlight.size} ` +
          (this.inFlight.size === 1
            ? 'handler ignores its abort signal; its range is released'
            : 'handlers ignore their abort signal; their ranges are released'),
      );
    }
    this.abandonSignal.abandon();
  }

  /** Waits for the ranges in flight, at most so many ms; false when some are still running then. */
  private drain(ms: number): Promise<boolean> {
    return endsWithin(
      new Promise<void>((resolve) => {
        this.drained.push(resolve);
        this.noteDrained();
      }),
      ms,
    );
  }

  private noteDrained(): void {
    if (this.inFlight.size === 0) {
      this.drained.splice(0).forEach((drained) => drained());
    }
  }

  private begin(entry: RangeEntry): RangeInFlight {
    // Rows are measured one by one.
    const load = this.run.backfill.shape === 'row' ? null : this.slots.load;
    return {
      entry,
      rows: entry.rows,
      work: this.meter.begin(entry.index),
      load: load?.begin(entry.rows),
      startedAt: performance.now(),
    };
  }

  private execute(range: RangeInFlight, permits: Permits, signal: AbortSignal): Promise<Outcome> {
    const { backfill, runId, dryRun, rowsExact } = this.run;
    const { entry } = range;
    const rows = this.rowSettings(range, permits);
    const { sampler, journal } = this;
    return this.deps.executor.execute({
      backfill,
      runId,
      dryRun,
      rowsExact,
      entry,
      rows,
      sampler,
      journal,
      signal,
    });
  }

  private end({ rows, work, load, startedAt }: RangeInFlight, outcome: Outcome | 'abandoned'): void {
    const succeeded = outcome !== 'abandoned' && outcome.kind === 'done';
    this.meter.end(work, succeeded);
    load?.end(succeeded);
    if (succeeded) {
      this.onDone(performance.now() - startedAt, rows);
    } else if (outcome !== 'abandoned') {
      this.countErrors(outcome);
    }
  }

  private countErrors(outcome: Outcome): void {
    const errors = errorsOf(outcome).filter(isOverload).length;
    for (let i = 0; i < errors; i++) {
      this.slots.load?.countError();
    }
  }

  private rowSettings(range: RangeInFlight, permits: Permits): RowSettings {
    return {
      concurrency: () => this.slots.rows,
      load: () => this.slots.load,
      permits,
      timeoutMs: () => this.config().rowTimeoutMs,
      acknowledgeMs: () => this.config().rowAckMs,
      acquireQuota: (signal, name = null) =>
        name === null ? this.limiter.acquire(signal) : this.callLimiters.of(name).acquire(signal),
      acknowledge: async (done, remaining, missing, rechecked) => {
        const { entry } = range;
        // Fencing: Redis refuses a worker whose claim is no longer the last one.
        const updated = await this.deps.rangeStore.acknowledgeRows(
          this.run,
          entry,
          done,
          remaining,
          missing,
          rechecked,
        );
        if (!updated) {
          throw new OvertakenError(this.run.backfill.name, entry.index);
        }
        range.entry = updated;
        this.meter.step(range.work);
      },
      escalate: (error) => this.settler.escalate(error, range.entry),
    };
  }

  private async release({ index }: RangeEntry): Promise<'released'> {
    await this.deps.rangeStore.release(this.run.runId, [index]);
    return 'released';
  }
}

function errorsOf(outcome: Outcome): readonly unknown[] {
  switch (outcome.kind) {
    case 'failed':
      return [outcome.error];
    case 'partial':
      return outcome.failed.map(({ error }) => error);
    default:
      return [];
  }
}
