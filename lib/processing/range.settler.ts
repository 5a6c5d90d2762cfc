import { MicroBatcher } from '../async/micro-batcher.js';
import type { BackfillConfig } from '../config/backfill-config.js';
import { classifyError, mayConcernRow } from '../database/classify-error.js';
import type { LogScope } from '../logging/backfill.logger.js';
import type { CallLimiters } from '../pacing/budget/call.limiters.js';
import type { QuotaLimiter } from '../pacing/quota.limiter.js';
import { describeRange } from '../sources/planned-range.js';
import type { RangeEntry } from '../state/range-entry.js';
import type { Acknowledgement, Settled, Settlement } from '../state/range-steps.js';
import { decideDone, decideFailure } from './decide-settlement.js';
import type { FailureDecision } from './decide-settlement.js';
import { DueRetries } from './due-retries.js';
import type { FailureOutcome, SuccessOutcome } from './execution.js';
import type { RunWorkerDeps } from './run-worker.deps.js';
import type { RunWorkerEvents, ServedRun } from './served-run.js';

/** Acknowledgements in one call. */
const MAX_ACKS = 500;
/** Acknowledgements wait this long to share a round trip; a process that crashes repeats the ranges of that time. */
const ACK_LINGER_MS = 25;
/** Two waits that a third party asks for are one when they end this close to each other. */
const SAME_WAIT_MS = 100;

/** Brings the outcomes of a run's ranges to Redis: acknowledged, released, retried, split, quarantined. */
export class RangeSettler {
  /** A request is a group: a promise for each acknowledgement would be felt where a range has little to do. */
  private readonly acks: MicroBatcher<readonly Acknowledgement[], Settled>;
  /** To which acknowledgements are added until it is sent; `null`: the next one begins another. */
  private group: { readonly done: Acknowledgement[]; readonly sent: Promise<Settled> } | null = null;
  /** By `performance.now()`: the end of the wait that a third party last asked for. */
  private waitingUntil = 0;
  private lastAck: Promise<unknown> = Promise.resolve();
  private readonly retries: DueRetries;

  constructor(
    private readonly run: ServedRun,
    private readonly config: () => BackfillConfig,
    private readonly limiter: QuotaLimiter,
    private readonly callLimiters: CallLimiters,
    private readonly deps: RunWorkerDeps,
    private readonly events: RunWorkerEvents,
  ) {
    this.acks = new MicroBatcher(([done = []]) => this.sendGroup(done), ACK_LINGER_MS, 1);
    this.retries = new DueRetries(
      (job) => deps.queues.moveToFront(run.backfill.name, run.runId, job),
      (error) => events.error(toError(error)),
    );
  }

  /**
   * Acknowledges a range that succeeded.
   *
   * @param pendingAcks receives the acknowledgement, which is not waited for here
   */
  acknowledge(entry: RangeEntry, outcome: SuccessOutcome, pendingAcks: Promise<unknown>[]): void {
    const { rows, missing, rechecked } = decideDone(outcome);
    const done = { entry, rows, missing, rechecked };
    this.logMissing(done);
    const sent = this.addToGroup(done);
    if (pendingAcks.at(-1) !== sent) {
      pendingAcks.push(sent);
    }
  }

  /** Settles a range that did not simply succeed, or releases it so that it is processed again. */
  async settle(
    entry: RangeEntry,
    outcome: FailureOutcome,
    signal: AbortSignal,
  ): Promise<'settled' | 'released'> {
    const decision = await this.decide(entry, outcome, signal);
    switch (decision.kind) {
      case 'release':
        if (decision.escalate) {
          await this.escalateOnce(decision.error, entry);
        }
        await this.deps.rangeStore.release(this.run.runId, [entry.index]);
        return 'released';
      case 'settle':
        this.logMissing(decision.settlement);
        this.logSettlement(decision.settlement, decision.error);
        await this.commit(decision.settlement, decision.error);
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

  /** Ranges that are tried again are no longer brought forward by this process. */
  async close(): Promise<void> {
    await this.retries.close();
  }

  /**
   * Holds or pauses the run because of the error of a row, while the other rows go on; never rejects. Answers false
   * where the error concerns its row alone.
   */
  async escalate(error: unknown, entry: RangeEntry): Promise<boolean> {
    try {
      return await this.escalateOnce(error, entry);
    } catch (reason) {
      this.events.error(toError(reason));
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
      await this.decreaseCalls(verdict.ms, verdict.quota);
    }
    return this.events.escalate(error);
  }

  /** Lowers the limits that the calls of the run count against. `name`: that of the budget which the handler has named. */
  private async decreaseCalls(ms: number, name: string | null): Promise<void> {
    const { backfill, runId } = this.run;
    const { quota } = this.config();
    const names = name === null ? this.callLimiters.names : [name];
    for (const each of names) {
      const limiter = this.callLimiters.of(each);
      limiter.block(ms);
      await this.deps.calls.decrease(each, runId, ms, limiter.meter.perSecond());
    }
    if (names.length === 0 || (name === null && quota !== null)) {
      await this.deps.quota.decrease(backfill.name, runId, quota, ms, this.limiter.meter.perSecond());
    }
  }

  private decide(entry: RangeEntry, outcome: FailureOutcome, signal: AbortSignal): Promise<FailureDecision> {
    return decideFailure(outcome, {
      backfill: this.run.backfill,
      entry,
      config: this.config(),
      aborted: signal.aborted,
      now: new Date(),
      split: (range) => this.deps.splitter.split(this.run, range, signal),
      concernsRun: (error) => this.escalateOnce(error, entry),
    });
  }

  private addToGroup(done: Acknowledgement): Promise<Settled> {
    if (this.group && this.group.done.length < MAX_ACKS) {
      this.group.done.push(done);
      return this.group.sent;
    }
    const group = [done];
    const sent = this.acks.add(group);
    this.group = { done: group, sent };
    // Reported by `flush`, at the end of the job; an unhandled rejection before that would end the process.
    this.lastAck = sent.catch(() => undefined);
    return sent;
  }

  private async sendGroup(done: readonly Acknowledgement[]): Promise<readonly [Settled]> {
    if (this.group?.done === done) {
      this.group = null;
    }
    const settled = await this.deps.rangeStore.acknowledge(this.run, done);
    this.afterSettled(settled);
    return [settled];
  }

  private async commit(settlement: Settlement, error: unknown): Promise<void> {
    const { backfill, runId } = this.run;
    const settled = await this.deps.rangeStore.settle(this.run, settlement);
    const requests = settled.successors.map(({ job }, i) => {
      return { job, delayMs: settlement.successors[i]?.delayMs ?? 0, front: true };
    });
    await this.deps.queues.add(backfill.name, runId, requests);
    requests
      .filter(({ delayMs }) => delayMs > 0)
      .forEach(({ job, delayMs }) => this.retries.schedule(job, delayMs));
    this.afterSettled(settled);
    if (settled.counted && settlement.failures.length > 0) {
      await this.events.quarantined();
    }
    const { maxInitialFailures } = this.config();
    if (maxInitialFailures !== null && settled.initialFailures >= maxInitialFailures) {
      // What has succeeded in this process has to be counted first.
      this.acks.flush();
      await this.lastAck;
      await this.events.failedInitially(settled.initialFailures, error);
    }
  }

  private afterSettled({ low }: Settled): void {
    if (low) {
      this.events.lowWater();
    }
  }

  private logMissing({ entry, missing = 0 }: Pick<Acknowledgement, 'entry' | 'missing'>): void {
    if (missing > 0) {
      const { source } = this.run.backfill;
      const { payload } = entry;
      const cursor = payload.kind === 'range' ? describeRange(source, payload.range) : 'by key';
      this.deps.logger.limit(
        'missing',
        'error',
        { ...this.scopeOf(entry), cursor, missing },
        `${missing} of ${entry.rows} planned rows were not loaded, although they are there (${JSON.stringify(cursor)})`,
      );
    }
  }

  private logSettlement({ entry, failures, successors }: Settlement, error: unknown): void {
    const attempt = entry.attempts + 1;
    const text = error instanceof Error ? `${error.name}: ${error.message}` : String(error);
    const scope = { ...this.scopeOf(entry), attempt, error: text };
    const { logger } = this.deps;
    if (failures.length > 0) {
      const message = `${failures.length} quarantined after attempt ${attempt}: ${text}`;
      logger.limit('quarantined', 'error', { ...scope, failures: failures.length }, message);
    } else if (error !== null && successors.length > 1) {
      logger.limit('split', 'warn', scope, `split in ${successors.length} after attempt ${attempt}: ${text}`);
    } else if (error !== null) {
      const retryInMs = successors[0]?.delayMs ?? 0;
      const message = `attempt ${attempt} failed, retrying in ${retryInMs} ms: ${text}`;
      logger.limit('retry', 'warn', { ...scope, retryInMs }, message);
    }
  }

  private scopeOf({ index }: RangeEntry): LogScope {
    return { backfill: this.run.backfill.name, runId: this.run.runId, range: index };
  }
}

function toError(reason: unknown): Error {
  return reason instanceof Error ? reason : new Error(String(reason));
}
