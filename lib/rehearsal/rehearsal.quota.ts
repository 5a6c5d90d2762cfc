import { sleep } from '../async/sleep.js';
import type { QuotaConfig } from '../config/backfill-config.js';
import { callsPerSecond } from '../pacing/shared.quota.js';
import type { SharedCalls } from '../pacing/budget/shared.calls.js';
import type { CallRequest, QuotaAnswer, SharedQuota } from '../pacing/shared.quota.js';

const LOOKAHEAD_MS = 250;
const ONE_CALL: CallRequest = { calls: 1, withinMs: LOOKAHEAD_MS, readyInMs: 0, unused: null };

/**
 * The calls of a rehearsal count against the quota that a run under way shares with all processes. Without such a run they
 * are spaced here as the quota allows, because nobody else makes calls. Calls of the budget count against that in any case.
 */
export class RehearsalQuota {
  /** Calls that were acquired. */
  acquired = 0;
  /** Those of the budget, by the name of the third party. */
  readonly shares = new Map<string, number>();
  private nextAt = 0;
  private last: Promise<void> = Promise.resolve();

  constructor(
    private readonly shared: Pick<SharedQuota, 'acquire'>,
    private readonly backfill: string,
    private readonly runId: string | null,
    private readonly quota: QuotaConfig | null,
    private readonly calls: Pick<SharedCalls, 'acquire'>,
    private readonly weight: number,
  ) {}

  /** Resolves when a call may be made; rejects with the reason of the signal. */
  readonly acquire = (signal: AbortSignal, name: string | null = null): Promise<void> | undefined => {
    if (name !== null) {
      return this.acquireOf(name, signal);
    }
    if (this.quota === null) {
      return undefined;
    }
    // In turn: each call waits for the one before.
    const granted = this.last.then(() => this.wait(signal));
    this.last = granted.catch(() => undefined);
    return granted;
  };

  private async acquireOf(name: string, signal: AbortSignal): Promise<void> {
    const caller = { runId: `rehearsal:${this.backfill}`, weight: this.weight };
    const ask = () => this.calls.acquire(name, caller, ONE_CALL);
    while (!(await this.isGranted(signal, ask))) {
      signal.throwIfAborted();
    }
    signal.throwIfAborted();
    this.shares.set(name, (this.shares.get(name) ?? 0) + 1);
  }

  private async wait(signal: AbortSignal): Promise<void> {
    const { runId } = this;
    const ask = async () =>
      runId === null
        ? ({ kind: 'stopped' } as const)
        : this.shared.acquire(this.backfill, runId, this.quota, ONE_CALL);
    while (!(await this.isGranted(signal, ask))) {
      signal.throwIfAborted();
    }
    signal.throwIfAborted();
    this.acquired++;
  }

  private async isGranted(signal: AbortSignal, ask: () => Promise<QuotaAnswer>): Promise<boolean> {
    signal.throwIfAborted();
    const answer = await ask();
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
