import { sleep } from '../async/sleep.js';
import type { QuotaConfig } from '../config/backfill-config.js';
import { callsPerSecond } from '../pacing/shared.quota.js';
import type { SharedQuota } from '../pacing/shared.quota.js';

const LOOKAHEAD_MS = 250;

/**
 * The calls of a rehearsal count against the quota that a run under way shares with all processes. Without such a run they
 * are spaced here as the quota allows, because nobody else makes calls.
 */
export class RehearsalQuota {
  /** Calls that were acquired. */
  acquired = 0;
  private nextAt = 0;
  private last: Promise<void> = Promise.resolve();

  constructor(
    private readonly shared: Pick<SharedQuota, 'acquire'>,
    private readonly backfill: string,
    private readonly runId: string | null,
    private readonly quota: QuotaConfig | null,
  ) {}

  /** Resolves when a call may be made; rejects with the reason of the signal. */
  readonly acquire = (signal: AbortSignal): Promise<void> | undefined => {
    if (this.quota === null) {
      return undefined;
    }
    // In turn: each call waits for the one before.
    const granted = this.last.then(() => this.wait(signal));
    this.last = granted.catch(() => undefined);
    return granted;
  };

  private async wait(signal: AbortSignal): Promise<void> {
    while (!(await this.isGranted(signal))) {
      signal.throwIfAborted();
    }
    signal.throwIfAborted();
    this.acquired++;
  }

  private async isGranted(signal: AbortSignal): Promise<boolean> {
    signal.throwIfAborted();
    const request = { calls: 1, withinMs: LOOKAHEAD_MS, readyInMs: 0, unused: null };
    const answer =
      this.runId === null
        ? ({ kind: 'stopped' } as const)
        : await this.shared.acquire(this.backfill, this.runId, this.quota, request);
    switch (answer.kind) {
      case 'granted':
        await sleep(answer.waitMs[0] ?? 0, signal);
        return answer.waitMs.length > 0;
      case 'wait':
        await sleep(answer.ms, signal);
        return false;
      case 'unlimited':
        return true;
      case 'stopped':
        await sleep(this.nextAt - performance.now(), signal);
        this.nextAt = Math.max(this.nextAt, performance.now()) + 1000 / callsPerSecond(this.quota);
        return true;
      default:
        return answer satisfies never;
    }
  }
}
