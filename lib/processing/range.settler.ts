import { MicroBatcher } from '../async/micro-batcher.js';
import type { BackfillConfig } from '../config/backfill-config.js';
import { classifyError, concernsRun } from '../database/classify-error.js';
import type { QuotaLimiter } from '../pacing/quota.limiter.js';
import type { RangeEntry } from '../state/range-entry.js';
import type { RowsDone, Settled } from '../state/range-steps.js';
import { decideSettlement } from './decide-settlement.js';
import type { Decision } from './decide-settlement.js';
import type { Outcome } from './execution.js';
import type { RunWorkerDeps } from './run-worker.deps.js';
import type { RunWorkerEvents, ServedRun } from './served-run.js';

/** Acknowledgements wait so long for others to share their call: what a process that dies then repeats more. */
const LINGER_MS = 25;
/** Wishes to wait that end this close to each other are one. */
const SAME_WISH_MS = 100;

/** Brings what came of the ranges of one run into the tracker: done, to be tried again, split, quarantined. */
export class RangeSettler {
  private readonly acks: MicroBatcher<{ entry: RangeEntry; rows: RowsDone }, Settled>;
  /** A wish of the third party that is met already, by `performance.now()`. */
  private heldUntil = 0;

  constructor(
    private readonly run: ServedRun,
    private readonly config: () => BackfillConfig,
    private readonly gate: QuotaLimiter,
    private readonly deps: RunWorkerDeps,
    private readonly events: RunWorkerEvents,
  ) {
    this.acks = new MicroBatcher(async (done) => {
      const settled = await deps.rangeStore.acknowledge(run.runId, done);
      this.afterSettled(settled);
      return done.map(() => settled);
    }, LINGER_MS);
  }

  /**
   * Answers false when the range was given back.
   *
   * @param acks acknowledgements under way, which this adds to and does not wait for
   */
  async settle(
    entry: RangeEntry,
    outcome: Outcome,
    signal: AbortSignal,
    acks: Promise<unknown>[],
  ): Promise<boolean> {
    const { rangeStore, splitter } = this.deps;
    const { backfill, runId } = this.run;
    const decision = await decideSettlement(
      backfill,
      entry,
      outcome,
      this.config(),
      (work) => splitter.split(backfill, work),
      new Date(),
      signal.aborted,
    );
    if (decision.kind === 'ack') {
      acks.push(this.acks.add({ entry, rows: decision.rows }));
      return true;
    }
    if (decision.verdict && outcome.kind === 'failed' && concernsRun(outcome.error)) {
      await this.escalate(outcome.error);
    }
    if (!decision.settlement) {
      await rangeStore.release(runId, [entry.index]);
      return false;
    }
    this.logOutcome(entry, decision);
    const settled = await rangeStore.settle(runId, decision.settlement);
    await this.deps.queues.add(
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

  /** Waits for acknowledgements, which from now on wait for no others. */
  async acknowledged(acks: readonly Promise<unknown>[]): Promise<void> {
    this.acks.flush();
    await Promise.all(acks);
  }

  /** Tells of a row's error that asks for more than that row, while the others go on. */
  async escalateRow(error: unknown): Promise<void> {
    try {
      await this.escalate(error);
    } catch (trouble) {
      this.events.error(trouble instanceof Error ? trouble : new Error(String(trouble)));
    }
  }

  /** Does at once, and once for all rows that meet it together, what an error asks for beyond its range. */
  private async escalate(error: unknown): Promise<void> {
    const verdict = classifyError(error);
    if (verdict.kind === 'wait') {
      const until = performance.now() + verdict.ms;
      if (until <= this.heldUntil + SAME_WISH_MS) {
        return;
      }
      this.heldUntil = until;
      this.gate.block(verdict.ms);
      const { backfill, runId } = this.run;
      const { quota } = this.config();
      await this.deps.quota.decrease(backfill.name, runId, quota, verdict.ms, this.gate.meter.perSecond());
    }
    await this.events.escalate(error);
  }

  private afterSettled({ low }: Settled): void {
    if (low) {
      this.events.low();
    }
  }

  private logOutcome(entry: RangeEntry, { settlement, error }: Decision): void {
    const where = `[${this.run.backfill.name} run ${this.run.runId} range ${entry.index}]`;
    const text = error instanceof Error ? `${error.name}: ${error.message}` : String(error);
    const failures = settlement?.failures.length ?? 0;
    const successors = settlement?.successors ?? [];
    if (failures > 0) {
      this.deps.logger.error(`${where} ${failures} quarantined after attempt ${entry.attempts + 1}: ${text}`);
    } else if (error !== null && successors.length > 1) {
      this.deps.logger.warn(
        `${where} split in ${successors.length} after attempt ${entry.attempts + 1}: ${text}`,
      );
    } else if (error !== null) {
      const wait = successors[0]?.delayMs ?? 0;
      this.deps.logger.warn(`${where} attempt ${entry.attempts + 1} failed, again in ${wait} ms: ${text}`);
    }
  }
}
