import { AbandonSignal } from '../async/abandon-signal.js';
import { isOverload } from '../database/classify-error.js';
import { endsWithin } from '../async/timeout.js';
import type { BackfillConfig } from '../config/backfill-config.js';
import type { CallLimiters } from '../pacing/budget/call.limiters.js';
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

/** Processes claimed ranges of one run: waits until each is due, executes it, settles its outcome. */
export class RangeProcessor {
  private readonly inFlight = new Map<AbortController, Promise<unknown>>();
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
    const processing = this.executeAndSettle(claim, permits, controller.signal, pendingAcks);
    this.inFlight.set(controller, processing);
    try {
      return await processing;
    } finally {
      this.inFlight.delete(controller);
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
    for (const controller of this.inFlight.keys()) {
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
    return endsWithin(Promise.all(this.inFlight.values()), ms);
  }

  private async executeAndSettle(
    claim: Claim,
    permits: Permits,
    signal: AbortSignal,
    pendingAcks: Promise<unknown>[],
  ): Promise<'settled' | 'released'> {
    const { backfill, runId, dryRun, rowsExact } = this.run;
    const { entry } = claim;
    const due = this.claimer.waitUntilDue(claim, signal);
    if (due) {
      await due;
    }
    if (this.stopping || signal.aborted) {
      return this.release(entry);
    }
    if (entry.crashes >= MAX_CRASHES) {
      const error = new RangeCrashError(backfill.name, entry.crashes);
      return this.settler.settle(entry, { kind: 'failed', error }, signal, pendingAcks);
    }
    const unsettled = { entry };
    const work = this.meter.begin(entry.index);
    const rows = this.rowSettings(unsettled, permits, work);
    const startedAt = performance.now();
    // Rows are measured one by one.
    const load = backfill.shape === 'row' ? null : this.slots.load;
    const measured = load?.begin(entry.rows);
    const outcome = await this.abandonSignal.race(
      this.deps.executor.execute({
        backfill,
        runId,
        dryRun,
        rowsExact,
        entry,
        rows,
        sampler: this.sampler,
        journal: this.journal,
        signal,
      }),
    );
    this.meter.end(work, outcome !== 'abandoned' && outcome.kind === 'done');
    measured?.end(outcome !== 'abandoned' && outcome.kind === 'done');
    if (outcome === 'abandoned') {
      return this.release(entry);
    }
    this.countErrors(outcome);
    if (outcome.kind === 'done') {
      this.onDone(performance.now() - startedAt, entry.rows);
    }
    return this.settler.settle(unsettled.entry, outcome, signal, pendingAcks);
  }

  private countErrors(outcome: Outcome): void {
    const errors = errorsOf(outcome).filter(isOverload).length;
    for (let i = 0; i < errors; i++) {
      this.slots.load?.countError();
    }
  }

  /** @param unsettled holds the entry of the range, which each acknowledgement replaces by one with the remaining rows */
  private rowSettings(unsettled: { entry: RangeEntry }, permits: Permits, work: RangeInProcess): RowSettings {
    return {
      concurrency: () => this.slots.rows,
      load: () => this.slots.load,
      permits,
      timeoutMs: () => this.config().rowTimeoutMs,
      acknowledgeMs: () => this.config().rowAckMs,
      acquireQuota: (signal, name = null) =>
        name === null ? this.limiter.acquire(signal) : this.callLimiters.of(name).acquire(signal),
      acknowledge: async (done, remaining, missing, rechecked) => {
        const { entry } = unsettled;
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
        unsettled.entry = updated;
        this.meter.step(work);
      },
      escalate: (error) => this.settler.escalate(error, unsettled.entry),
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
