import { MicroBatcher } from '../async/micro-batcher.js';
import type { BackfillConfig } from '../config/backfill-config.js';
import { classifyError, mayConcernRow } from '../database/classify-error.js';
import type { QuotaLimiter } from '../pacing/quota.limiter.js';
import { describeRange } from '../sources/planned-range.js';
import type { RangeEntry } from '../state/range-entry.js';
import type { Acknowledgement, Settled, Settlement } from '../state/range-steps.js';
import { decideSettlement } from './decide-settlement.js';
import type { Outcome } from './execution.js';
import type { RunWorkerDeps } from './run-worker.deps.js';
import type { RunWorkerEvents, ServedRun } from './served-run.js';

/** Acknowledgements wait this long to share a round trip; a process that crashes repeats the ranges of that time. */
const ACK_LINGER_MS = 25;
/** Two waits that a third party asks for are one when they end this close to each other. */
const SAME_WAIT_MS = 100;

/** Brings the outcomes of a run's ranges to Redis: acknowledged, released, retried, split, quarantined. */
export class RangeSettler {
  private readonly acks: MicroBatcher<Acknowledgement, Settled>;
  /** By `performance.now()`: the end of the wait that a third party last asked for. */
  private waitingUntil = 0;
  private lastAck: Promise<unknown> = Promise.resolve();

  constructor(
    private readonly run: ServedRun,
    private readonly config: () => BackfillConfig,
    private readonly limiter: QuotaLimiter,
    private readonly deps: RunWorkerDeps,
    private readonly events: RunWorkerEvents,
  ) {
    this.acks = new MicroBatcher(async (done) => {
      const settled = await deps.rangeStore.acknowledge(run, done);
      this.afterSettled(settled);
      return done.map(() => settled);
    }, ACK_LINGER_MS);
  }

  /**
   * Settles a range, or releases it so that it is processed again.
   *
   * @param pendingAcks receives the acknowledgement, which is not waited for here
   */
  async settle(
    entry: RangeEntry,
    outcome: Outcome,
    signal: AbortSignal,
    pendingAcks: Promise<unknown>[],
  ): Promise<'settled' | 'released'> {
    const { rangeStore, splitter } = this.deps;
    const { backfill, runId } = this.run;
    const decision = await decideSettlement(outcome, {
      backfill,
      entry,
      config: this.config(),
      aborted: signal.aborted,
      now: new Date(),
      split: (range) => splitter.split(this.run, range, signal),
      concernsRun: (error) => this.escalateOnce(error, entry),
    });
    switch (decision.kind) {
      case 'ack':
        pendingAcks.push(
          this.acknowledge({
            entry,
            rows: decision.rows,
            missing: decision.missing ?? 0,
            rechecked: decision.rechecked ?? 0,
          }),
        );
        return 'settled';
      case 'release':
        if (decision.escalate) {
          await this.escalateOnce(decision.error, entry);
        }
        await rangeStore.release(runId, [entry.index]);
        return 'released';
      case 'settle':
        this.logMissing(decision.settlement);
        this.logSettlement(decision.settlement, decision.error);
        await this.commit(decision.settlement);
        return 'settled';
      default:
        return decision satisfies never;
    }
  }

  /** Sends the acknowledgements that linger, and waits for these. */
  async flush(pendingAcks: readonly Promise<unknown>[]): Promise<void> {
    this.acks.flush();
    await Promise.all(pendingAcks);
  }

  /**
   * Holds or pauses the run because of the error of a row, while the other rows go on; never rejects. Answers false
   * where the error concerns its row alone.
   */
  async escalate(error: unknown, entry: RangeEntry): Promise<boolean> {
    try {
      return await this.escalateOnce(error, entry);
    } catch (reason) {
      this.events.error(reason instanceof Error ? reason : new Error(String(reason)));
      return true;
    }
  }

  /** Rows that are told to wait by the same third party at the same time escalate once. */
  private async escalateOnce(error: unknown, { attempts }: RangeEntry): Promise<boolean> {
    if (mayConcernRow(error)) {
      // It has failed before, with this error or another. A run that was paused for it goes on past it when resumed.
      if (attempts > 0) {
        return false;
      }
      // What has succeeded in this process has to be counted first.
      this.acks.flush();
      await this.lastAck;
    }
    const verdict = classifyError(error);
    if (verdict.kind === 'wait') {
      const until = performance.now() + verdict.ms;
      if (until <= this.waitingUntil + SAME_WAIT_MS) {
        return true;
      }
      this.waitingUntil = until;
      this.limiter.block(verdict.ms);
      const { backfill, runId } = this.run;
      const { quota } = this.config();
      await this.deps.quota.decrease(backfill.name, runId, quota, verdict.ms, this.limiter.meter.perSecond());
    }
    return this.events.escalate(error);
  }

  private acknowledge(done: Acknowledgement): Promise<unknown> {
    this.logMissing(done);
    const ack = this.acks.add(done);
    // Reported by `flush`, at the end of the job; an unhandled rejection before that would end the process.
    this.lastAck = ack.catch(() => undefined);
    return ack;
  }

  private async commit(settlement: Settlement): Promise<void> {
    const { backfill, runId } = this.run;
    const settled = await this.deps.rangeStore.settle(this.run, settlement);
    await this.deps.queues.add(
      backfill.name,
      runId,
      settled.successors.map(({ job }, i) => ({ job, delayMs: settlement.successors[i]?.delayMs ?? 0 })),
    );
    this.afterSettled(settled);
    if (settled.counted && settlement.failures.length > 0) {
      await this.events.quarantined();
    }
  }

  private afterSettled({ low }: Settled): void {
    if (low) {
      this.events.lowWater();
    }
  }

  private logMissing({ entry, missing = 0 }: Pick<Acknowledgement, 'entry' | 'missing'>): void {
    if (missing > 0) {
      const { backfill, runId } = this.run;
      const { source } = backfill;
      const { payload } = entry;
      const what = payload.kind === 'range' ? JSON.stringify(describeRange(source, payload.range)) : 'by key';
      this.deps.logger.error(
        `[${backfill.name} run ${runId} range ${entry.index}] ${missing} of ${entry.rows} planned rows were not ` +
          `loaded, although they are there (${what})`,
      );
    }
  }

  private logSettlement({ entry, failures, successors }: Settlement, error: unknown): void {
    const where = `[${this.run.backfill.name} run ${this.run.runId} range ${entry.index}]`;
    const attempt = `attempt ${entry.attempts + 1}`;
    const text = error instanceof Error ? `${error.name}: ${error.message}` : String(error);
    if (failures.length > 0) {
      this.deps.logger.error(`${where} ${failures.length} quarantined after ${attempt}: ${text}`);
    } else if (error !== null && successors.length > 1) {
      this.deps.logger.warn(`${where} split in ${successors.length} after ${attempt}: ${text}`);
    } else if (error !== null) {
      const delayMs = successors[0]?.delayMs ?? 0;
      this.deps.logger.warn(`${where} ${attempt} failed, retrying in ${delayMs} ms: ${text}`);
    }
  }
}
