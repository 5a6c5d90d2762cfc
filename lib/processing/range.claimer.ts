import { MicroBatcher } from '../async/micro-batcher.js';
import { sleep } from '../async/sleep.js';
import type { BackfillConfig } from '../config/backfill-config.js';
import type { Claim, ClaimAnswer, ClaimStatus } from '../state/range-steps.js';
import type { RangeStore, WorkedRun } from '../state/range.store.js';
import { StartLateness } from './start-lateness.js';

/** A range that is due later is not claimed yet, so that a pause or another rate never waits for it. */
const MAX_WAIT_MS = 250;

/** The next range of a job, or why there is none. */
export type NextClaim =
  | { readonly status: 'claimed'; readonly claim: Claim }
  /** Every range of the job has been claimed, here or elsewhere. */
  | { readonly status: 'exhausted' }
  | Exclude<ClaimStatus, { readonly status: 'granted' }>;

/** A range, and the suffix of the job that carries it. */
interface JobRange {
  readonly index: number;
  readonly job: string;
}

/** Claims ranges of one run. Claims within one turn of the event loop share one round trip to Redis. */
export class RangeClaimer {
  private readonly batcher = new MicroBatcher((requests: readonly (readonly JobRange[])[]) =>
    this.claimBatch(requests),
  );
  private readonly lateness = new StartLateness();

  constructor(
    private readonly run: WorkedRun,
    private readonly config: () => BackfillConfig,
    private readonly rangeStore: RangeStore,
  ) {}

  /** The claims of the job with this suffix, which carries the ranges `first` to `first + count - 1`. */
  claimsOf(job: string, first: number, count: number): JobClaims {
    return new JobClaims(this, job, first, first + count);
  }

  /** Claims ranges of a job from `from` to before `end`: all of them when the run is unpaced, otherwise only the first. */
  claim(job: string, from: number, end: number): Promise<ClaimAnswer> {
    const { perSecondOnPeak, perSecondOffPeak } = this.config();
    const paced = perSecondOnPeak !== null || perSecondOffPeak !== null;
    return this.batcher.add(
      Array.from({ length: paced ? 1 : end - from }, (_, i) => ({ index: from + i, job })),
    );
  }

  /** Waits until a claimed range is due, or the signal is aborted. */
  async waitUntilDue({ dueAt }: Claim, signal: AbortSignal): Promise<void> {
    const waitMs = dueAt - performance.now();
    if (waitMs <= 0) {
      // The worker was busy with the range before: ranges that are late for this reason do not start together.
      return;
    }
    await sleep(waitMs, signal);
    if (!signal.aborted) {
      const now = performance.now();
      this.lateness.record(Math.min(now - dueAt, MAX_WAIT_MS), now);
    }
  }

  private async claimBatch(requests: readonly (readonly JobRange[])[]): Promise<ClaimAnswer[]> {
    const lateMs = this.lateness.takeExcess();
    const all = requests.flat();
    const answer = await this.rangeStore.claim(
      this.run,
      all.map(({ index }) => index),
      MAX_WAIT_MS,
      lateMs,
      all.map(({ job }) => job),
    );
    let at = 0;
    return requests.map((ranges) => {
      const claims = answer.claims.slice(at, at + ranges.length);
      at += ranges.length;
      return claims.length === ranges.length ? { status: 'granted', claims } : { ...answer, claims };
    });
  }
}

/** Claims the ranges of one job as they are needed. */
export class JobClaims {
  /** Claimed together with an earlier range, and not processed yet. */
  private readonly claimed: Claim[] = [];
  private refusal: Exclude<ClaimStatus, { readonly status: 'granted' }> | null = null;

  constructor(
    private readonly claimer: RangeClaimer,
    private readonly job: string,
    private from: number,
    private readonly end: number,
  ) {}

  async next(): Promise<NextClaim> {
    while (this.claimed.length === 0 && !this.refusal && this.from < this.end) {
      const answer = await this.claimer.claim(this.job, this.from, this.end);
      this.from += answer.claims.length;
      this.claimed.push(...answer.claims.filter((claim) => claim !== null));
      this.refusal = answer.status === 'granted' ? null : answer;
    }
    const claim = this.claimed.shift();
    return claim ? { status: 'claimed', claim } : (this.refusal ?? { status: 'exhausted' });
  }

  /** Indexes of the ranges that are claimed and have not been taken by `next`. */
  unprocessed(): number[] {
    return this.claimed.map(({ entry }) => entry.index);
  }
}
