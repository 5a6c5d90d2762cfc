import { setImmediate as nextTurn } from 'node:timers/promises';
import { sleep } from '../async/sleep.js';
import { CallMeter } from './call.meter.js';
import type { CallGrant, CallRequest, QuotaAnswer } from './shared.quota.js';

/** Calls are granted this far ahead, which bounds how long a pause or a lowered rate takes to apply. */
const LOOKAHEAD_MS = 100;
const MAX_CALLS_PER_REQUEST = 200;
const MAX_POLL_MS = 500;
const RETRY_AFTER_ERROR_MS = 1_000;
/** How much closer together, or later, than granted two calls may be before the rest of the grant is returned. */
const TOLERANCE_MS = 7;

interface PendingCall {
  readonly signal: AbortSignal;
  readonly resolve: () => void;
  readonly reject: (reason: unknown) => void;
  readonly onAbort: () => void;
}

/** Requests calls from the quota that all processes share. */
export type RequestCalls = (request: CallRequest) => Promise<QuotaAnswer>;

interface ReceivedAnswer {
  readonly answer: QuotaAnswer;
  /** By `performance.now()`. */
  readonly at: number;
}

/**
 * Limits the calls of this process to what the shared quota grants. Pending calls form a queue, and one request to
 * Redis is made for all of them.
 */
export class QuotaLimiter {
  readonly meter = new CallMeter();
  private pending: PendingCall[] = [];
  private unlimited = false;
  private draining = false;
  /** Incremented by each `block`: answers received for an earlier epoch are discarded. */
  private epoch = 0;
  private blockedUntil = 0;
  /** By `performance.now()`: an earlier call would be too close to the last one. */
  private nextCallAt = 0;
  private unused: CallRequest['unused'] = null;
  /** Resolves when the last admitted call has been sent. */
  private lastCallSent = Promise.resolve();
  private prefetched: Promise<ReceivedAnswer> | null = null;

  constructor(
    private readonly requestCalls: RequestCalls,
    private readonly onError: (error: unknown) => void,
  ) {}

  /**
   * Acquires a call. Returns `undefined` where it may be made at once, without a promise to await: this is on the path
   * of every row. The promise rejects with the reason of the signal once that is aborted.
   */
  readonly acquire = (signal: AbortSignal): Promise<void> | undefined => {
    if (signal.aborted) {
      return Promise.reject(signal.reason as Error);
    }
    if (this.unlimited) {
      this.meter.count();
      return undefined;
    }
    return new Promise((resolve, reject) => {
      const onAbort = () => {
        this.pending = this.pending.filter((other) => other !== call);
        reject(signal.reason as Error);
      };
      const call = { signal, resolve, reject, onAbort };
      signal.addEventListener('abort', onAbort, { once: true });
      this.pending.push(call);
      void this.drain();
    });
  };

  /** Admits no call for the given ms and discards what was granted. */
  block(ms: number): void {
    this.epoch++;
    this.prefetched = null;
    this.unlimited = false;
    this.blockedUntil = Math.max(this.blockedUntil, performance.now() + ms);
  }

  /** Discards what was granted: the quota was reconfigured. */
  reset(): void {
    this.block(0);
    this.nextCallAt = 0;
  }

  /** Has the next call ask whether there is a limit by now. */
  recheck(): void {
    this.unlimited = false;
  }

  private async drain(): Promise<void> {
    if (this.draining) {
      return;
    }
    this.draining = true;
    while (this.pending.length > 0) {
      try {
        await sleep(Math.min(this.blockedUntil - performance.now(), MAX_POLL_MS));
        if (performance.now() >= this.blockedUntil) {
          await this.admitGranted();
        }
      } catch (error) {
        this.onError(error);
        await sleep(RETRY_AFTER_ERROR_MS);
      }
    }
    this.draining = false;
  }

  private async admitGranted(): Promise<void> {
    const { epoch } = this;
    const { answer, at } = await (this.prefetched ?? this.request(this.pending.length));
    this.prefetched = null;
    if (epoch !== this.epoch) {
      return;
    }
    switch (answer.kind) {
      case 'unlimited':
        this.unlimited = true;
        while (this.admitNext()) {
          // Admits all pending calls.
        }
        break;
      case 'wait':
        await sleep(Math.min(answer.ms, MAX_POLL_MS));
        break;
      case 'stopped':
        await sleep(MAX_POLL_MS);
        break;
      case 'granted':
        await this.useGrant(answer, at, epoch);
    }
  }

  private async request(calls: number): Promise<ReceivedAnswer> {
    const answer = await this.requestCalls({
      calls: Math.min(calls, MAX_CALLS_PER_REQUEST),
      withinMs: LOOKAHEAD_MS,
      readyInMs: Math.max(0, this.nextCallAt - performance.now()),
      unused: this.unused,
    });
    if (answer.kind === 'granted') {
      this.unused = null;
    }
    return { answer, at: performance.now() };
  }

  /**
   * Admits calls when they are due. Returns the rest of the grant where the process was blocked (by garbage collection
   * or a busy event loop): calls that became due meanwhile would otherwise be sent in a burst.
   */
  private async useGrant(
    { waitMs, intervalMs, at, until }: CallGrant,
    receivedAt: number,
    epoch: number,
  ): Promise<void> {
    for (const [i, wait] of waitMs.entries()) {
      if (i === waitMs.length - 1 && this.pending.length > 1) {
        // Prefetches while the last call waits, so that the round trip to Redis does not lower the rate.
        this.prefetched = this.request(this.pending.length - 1);
        this.prefetched.catch(() => undefined);
      }
      const dueAt = receivedAt + wait;
      await sleep(dueAt - performance.now());
      await this.lastCallSent;
      const spaced = intervalMs > TOLERANCE_MS;
      const burst = spaced ? this.nextCallAt > dueAt : performance.now() - dueAt > TOLERANCE_MS;
      if (epoch !== this.epoch || burst || !this.admitNext()) {
        this.unused = { from: Math.round(at + wait * 1000), until };
        return;
      }
      if (spaced) {
        this.lastCallSent = this.spaceFromNow(intervalMs);
      }
    }
  }

  /** An admitted call is sent within one turn of the event loop, however long the process blocks in it. */
  private async spaceFromNow(intervalMs: number): Promise<void> {
    await nextTurn();
    this.nextCallAt = performance.now() + intervalMs - TOLERANCE_MS;
  }

  private admitNext(): boolean {
    const call = this.pending.shift();
    if (!call) {
      return false;
    }
    this.meter.count();
    call.signal.removeEventListener('abort', call.onAbort);
    call.resolve();
    return true;
  }
}
