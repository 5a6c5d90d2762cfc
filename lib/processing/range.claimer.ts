import type { BackfillConfig } from '../config/backfill-config.js';
import type { Claim, ClaimAnswer } from '../state/range-steps.js';
import type { RangeStore } from '../state/range.store.js';
import { sleep } from '../async/sleep.js';
import { StartLateness } from './start-lateness.js';
import { MicroBatcher } from '../async/micro-batcher.js';

/** A claim whose moment is further off is given back, so that a pause or another rate never waits for it. */
const LONGEST_WAIT_MS = 250;

/** Claims ranges of one run: what is asked for in one turn of the event loop is one call. */
export class RangeClaimer {
  private readonly claims = new MicroBatcher((requests: readonly (readonly number[])[]) =>
    this.claimTogether(requests),
  );
  private readonly lateness = new StartLateness();

  constructor(
    private readonly runId: string,
    private readonly config: () => BackfillConfig,
    private readonly rangeStore: RangeStore,
  ) {}

  /** Claims from the ranges `from` to before `to`: unpaced ones together, paced ones singly, each for its moment. */
  claim(from: number, to: number): Promise<ClaimAnswer> {
    const { perSecondOnPeak, perSecondOffPeak } = this.config();
    const paced = perSecondOnPeak !== null || perSecondOffPeak !== null;
    return this.claims.add(paced ? [from] : Array.from({ length: to - from }, (_, i) => from + i));
  }

  /** Waits until a claimed range may start, or the signal is aborted. */
  async moment({ dueAt }: Claim, signal: AbortSignal): Promise<void> {
    const ahead = dueAt - performance.now();
    if (ahead <= 0) {
      // Its worker was busy with the range before it: nothing comes together for that.
      return;
    }
    await sleep(ahead, signal);
    if (!signal.aborted) {
      const now = performance.now();
      this.lateness.note(Math.min(now - dueAt, LONGEST_WAIT_MS), now);
    }
  }

  private async claimTogether(requests: readonly (readonly number[])[]): Promise<ClaimAnswer[]> {
    const late = this.lateness.tell();
    const answer = await this.rangeStore.claim(this.runId, requests.flat(), LONGEST_WAIT_MS, late);
    let at = 0;
    return requests.map((indexes) => {
      const claims = answer.claims.slice(at, at + indexes.length);
      at += indexes.length;
      return claims.length === indexes.length ? { status: 'granted', claims } : { ...answer, claims };
    });
  }
}
