import { setMaxListeners } from 'node:events';
import { MicroBatcher } from '../async/micro-batcher.js';
import { sleep } from '../async/sleep.js';
import type { BackfillConfig } from '../config/backfill-config.js';
import type { BudgetTurns } from '../pacing/budget/budget-turns.js';
import type { RunBudget } from '../pacing/budget/run.budget.js';
import type { Claim, ClaimAnswer, ClaimStatus } from '../state/range-steps.js';
import type { RangeStore, WorkedRun } from '../state/range.store.js';
import { LateStarts } from './late-starts.js';
import { StartLateness } from './start-lateness.js';

/** A range that is due later is not claimed yet, so that a pause or another rate never waits for it. */
const MAX_WAIT_MS = 250;

const NOTHING_CLAIMED: ClaimAnswer = { status: 'granted', claims: [] };

/** The next range of a job, or why there is none. */
export type NextClaim =
  | { readonly status: 'claimed'; readonly claim: Claim }
  /** Every range of the job has been claimed, here or elsewhere. */
  | { readonly status: 'exhausted' }
  | Exclude<ClaimStatus, { readonly status: 'granted' | 'budget' }>;

/** A range, and the suffix of the job that carries it. */
interface JobRange {
  readonly index: number;
  readonly job: string;
}

type Refusal = Exclude<ClaimStatus, { readonly status: 'granted' }>;

/** Claims ranges of one run. Claims within one turn of the event loop share one round trip to Redis. */
export class RangeClaimer {
  private readonly batcher = new MicroBatcher((requests: readonly (readonly JobRange[])[]) =>
    this.claimBatch(requests),
  );
  private readonly lateness = new StartLateness();
  private readonly lateStarts = new LateStarts();
  /** Aborted when those that wait for the budget are to ask again. */
  private turn = newTurn();
  /** Ranges that the budget has refused, and that have not been asked for again. */
  private waiting = 0;
  private closed = false;

  constructor(
    private readonly run: WorkedRun,
    private readonly config: () => BackfillConfig,
    private readonly rangeStore: RangeStore,
    private readonly budget: RunBudget,
    private readonly turns: BudgetTurns,
  ) {
    turns.register(run.runId, this.wake);
  }

  /** Whether ranges are claimed no more. */
  get isClosed(): boolean {
    return this.closed;
  }

  /** The claims of the job with this suffix, which carries the ranges `first` to `first + count - 1`. */
  claimsOf(job: string, first: number, count: number): JobClaims {
    return new JobClaims(this, job, first, first + count);
  }

  /**
   * Claims ranges of a job from `from` to before `end`: all of them when the run is unpaced and no budget limits it,
   * otherwise only the first.
   */
  claim(job: string, from: number, end: number): Promise<ClaimAnswer> {
    const { perSecondOnPeak, perSecondOffPeak } = this.config();
    const paced = perSecondOnPeak !== null || perSecondOffPeak !== null || this.budget.isLimited;
    return this.batcher.add(
      Array.from({ length: paced ? 1 : end - from }, (_, i) => ({ index: from + i, job })),
    );
  }

  /** Waits until a claimed range is due, or the signal is aborted; `undefined`: it is due. */
  waitUntilDue(claim: Claim, signal: AbortSignal): Promise<void> | undefined {
    const waitMs = claim.dueAt - performance.now();
    // The worker was busy with the range before: ranges that are late for this reason do not start together.
    return waitMs > 0 ? this.wait(waitMs, claim, signal) : undefined;
  }

  private async wait(ms: number, { dueAt }: Claim, signal: AbortSignal): Promise<void> {
    await sleep(ms, signal);
    if (!signal.aborted) {
      const now = performance.now();
      this.lateness.record(Math.min(now - dueAt, MAX_WAIT_MS), now);
      this.lateStarts.record(now - dueAt);
    }
  }

  /** Waits so many ms, or until the budget may have a place for the run. */
  async waitForTurn(ms: number): Promise<void> {
    if (!this.closed) {
      await sleep(ms, this.turn.signal);
    }
  }

  /** Whether the next range is waited for here, and not in the queue. */
  isAwaited(refusal: Refusal): refusal is Extract<Refusal, { readonly status: 'budget' | 'later' }> {
    // Within a budget a range is not claimed before the run itself may start it.
    return (
      refusal.status === 'budget' ||
      (refusal.status === 'later' && refusal.ms <= MAX_WAIT_MS && this.budget.isLimited)
    );
  }

  /** A range that the budget has refused is asked for again, or no more. */
  endWait(): void {
    this.waiting--;
  }

  /** A range has ended after so many ms, or `ranges` were given back; the budget has their places again. */
  release(ms: number | null, ranges = 1): void {
    this.budget.release(ms, ranges);
    if (this.budget.isLimited) {
      void this.reportBudget();
    }
  }

  /** Tells Redis how much of the budget this process uses, together with claims of this turn. */
  async reportBudget(): Promise<void> {
    if (this.budget.isLimited) {
      // The next report makes up for one that fails; the lease ends where none comes.
      await this.batcher.add([]).catch(() => undefined);
    }
  }

  /** Has those that wait for the budget ask again. */
  readonly wake = (): void => {
    const { turn } = this;
    this.turn = newTurn();
    turn.abort();
  };

  /** Claims nothing more: those that wait for the budget are told that the run was stopped. */
  close(): void {
    this.closed = true;
    this.turns.unregister(this.run.runId, this.wake);
    this.wake();
  }

  private async claimBatch(requests: readonly (readonly JobRange[])[]): Promise<ClaimAnswer[]> {
    const lateness = { excessMs: this.lateness.takeExcess(), late: this.lateStarts.take() };
    const all = requests.flat();
    const budget = this.budget.claim(this.waiting);
    if (all.length === 0 && budget === null) {
      return requests.map(() => NOTHING_CLAIMED);
    }
    const answer = await this.rangeStore.claim(
      this.run,
      all.map(({ index }) => index),
      MAX_WAIT_MS,
      lateness,
      all.map(({ job }) => job),
      budget,
    );
    this.budget.acquire(answer.claims.filter((claim) => claim !== null).length, all.length > 0);
    if (answer.nextRun) {
      this.turns.wake(answer.nextRun);
    }
    let at = 0;
    return requests.map((ranges) => {
      const claims = answer.claims.slice(at, at + ranges.length);
      at += ranges.length;
      if (claims.length === ranges.length) {
        return { status: 'granted', claims };
      }
      this.waiting += answer.status === 'budget' ? 1 : 0;
      return { ...answer, claims };
    });
  }
}

/** Each job that waits listens, and there may be as many as the concurrency: Node would warn of a leak from 11 on. */
function newTurn(): AbortController {
  const turn = new AbortController();
  setMaxListeners(0, turn.signal);
  return turn;
}

/** Claims the ranges of one job as they are needed. */
export class JobClaims {
  /** Claimed together with an earlier range, and not processed yet. */
  private readonly claimed: Claim[] = [];
  private refusal: Exclude<Refusal, { readonly status: 'budget' }> | null = null;

  constructor(
    private readonly claimer: RangeClaimer,
    private readonly job: string,
    private from: number,
    private readonly end: number,
  ) {}

  /** The next range, where it has been claimed together with an earlier one. */
  take(): NextClaim | undefined {
    const claim = this.claimed.shift();
    return claim && { status: 'claimed', claim };
  }

  async next(): Promise<NextClaim> {
    while (this.claimed.length === 0 && !this.refusal && this.from < this.end) {
      const answer = await this.claimer.claim(this.job, this.from, this.end);
      this.from += answer.claims.length;
      this.claimed.push(...answer.claims.filter((claim) => claim !== null));
      if (answer.status !== 'granted') {
        await this.refuse(answer);
      }
    }
    return this.take() ?? this.refusal ?? { status: 'exhausted' };
  }

  private async refuse(refusal: Refusal): Promise<void> {
    if (this.claimer.isAwaited(refusal) && this.claimed.length === 0) {
      await this.claimer.waitForTurn(refusal.ms);
      this.refusal = this.claimer.isClosed ? { status: 'stopped' } : null;
    } else if (refusal.status !== 'budget') {
      this.refusal = refusal;
    }
    if (refusal.status === 'budget') {
      this.claimer.endWait();
    }
  }

  /** Indexes of the ranges that are claimed and have not been taken. */
  unprocessed(): number[] {
    return this.claimed.map(({ entry }) => entry.index);
  }
}
