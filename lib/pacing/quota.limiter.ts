import { setImmediate as turn } from 'node:timers/promises';
import { sleep } from '../async/sleep.js';
import { CallMeter } from './call.meter.js';
import type { CallGrant, CallRequest, QuotaAnswer } from './shared.quota.js';

/** Calls are granted this far ahead: a pause or a hold is felt that soon. */
const AHEAD_MS = 100;
const MOST_AT_ONCE = 200;
/** While nothing is granted it is asked again this often at least. */
const LONGEST_WAIT_MS = 500;
const AGAIN_AFTER_ERROR_MS = 1_000;
/** What two calls may come closer than granted, or one go out late, before the rest is asked for anew. */
const TOLERANCE_MS = 7;

interface Waiting {
  readonly signal: AbortSignal;
  readonly resolve: () => void;
  readonly reject: (reason: unknown) => void;
  readonly onAbort: () => void;
}

export type AskForCalls = (request: CallRequest) => Promise<QuotaAnswer>;

/** What was answered, and when, by `performance.now()`. */
interface Answered {
  readonly answer: QuotaAnswer;
  readonly at: number;
}

/**
 * Lets the calls of a process through one by one, as the quota of all processes grants them: one question
 * to Redis for all that wait.
 */
export class QuotaLimiter {
  private waiting: Waiting[] = [];
  private free = false;
  private dispensing = false;
  /** Grows with each hold: what was granted or told before it no longer counts. */
  private epoch = 0;
  private heldUntil = 0;
  /** The next call would come too close to the last one before this. */
  private readyAt = 0;
  private unspent: CallRequest['unspent'] = null;
  private left = Promise.resolve();
  private asked: Promise<Answered> | null = null;
  readonly meter = new CallMeter();

  constructor(
    private readonly ask: AskForCalls,
    private readonly onError: (error: unknown) => void,
  ) {}

  /**
   * Answers nothing where a call may be made at once; else what resolves when it may, and rejects with the
   * reason of the signal once that is aborted.
   */
  readonly pass = (signal: AbortSignal): Promise<void> | undefined => {
    if (signal.aborted) {
      return Promise.reject(signal.reason as Error);
    }
    if (this.free) {
      this.meter.count();
      return undefined;
    }
    return new Promise((resolve, reject) => {
      const onAbort = () => {
        this.waiting = this.waiting.filter((other) => other !== waiting);
        reject(signal.reason as Error);
      };
      const waiting = { signal, resolve, reject, onAbort };
      signal.addEventListener('abort', onAbort, { once: true });
      this.waiting.push(waiting);
      void this.dispense();
    });
  };

  /** Lets nothing through for so long, and asks anew afterwards. */
  hold(ms: number): void {
    this.epoch++;
    this.asked = null;
    this.free = false;
    this.heldUntil = Math.max(this.heldUntil, performance.now() + ms);
  }

  /** Asks anew: the quota changed. */
  reconsider(): void {
    this.hold(0);
  }

  private async dispense(): Promise<void> {
    if (this.dispensing) {
      return;
    }
    this.dispensing = true;
    while (this.waiting.length > 0) {
      try {
        await sleep(Math.min(this.heldUntil - performance.now(), LONGEST_WAIT_MS));
        if (performance.now() >= this.heldUntil) {
          await this.dispenseSome();
        }
      } catch (error) {
        this.onError(error);
        await sleep(AGAIN_AFTER_ERROR_MS);
      }
    }
    this.dispensing = false;
  }

  private async dispenseSome(): Promise<void> {
    const { epoch } = this;
    const { answer, at } = await (this.asked ?? this.askFor(this.waiting.length));
    this.asked = null;
    if (epoch !== this.epoch) {
      return;
    }
    switch (answer.kind) {
      case 'free':
        this.free = true;
        while (this.letThrough()) {
          // All of them.
        }
        break;
      case 'wait':
        await sleep(answer.ms < 0 ? LONGEST_WAIT_MS : Math.min(answer.ms, LONGEST_WAIT_MS));
        break;
      case 'go':
        await this.spend(answer, at, epoch);
    }
  }

  private async askFor(waiting: number): Promise<Answered> {
    const answer = await this.ask({
      calls: Math.min(waiting, MOST_AT_ONCE),
      withinMs: AHEAD_MS,
      readyInMs: Math.max(0, this.readyAt - performance.now()),
      unspent: this.unspent,
    });
    if (answer.kind === 'go') {
      this.unspent = null;
    }
    return { answer, at: performance.now() };
  }

  /**
   * Lets calls through at the moments that were granted, and gives the rest back where two of them would come
   * too close: a process that stands still is late with what it has let through, too.
   */
  private async spend(
    { waitMs, intervalMs, at, until }: CallGrant,
    from: number,
    epoch: number,
  ): Promise<void> {
    for (const [i, wait] of waitMs.entries()) {
      if (i === waitMs.length - 1 && this.waiting.length > 1) {
        // Asked for while the last one waits, or the way to Redis would be lost time each time.
        this.asked = this.askFor(this.waiting.length - 1);
        this.asked.catch(() => undefined);
      }
      const due = from + wait;
      await sleep(due - performance.now());
      await this.left;
      const apart = intervalMs > TOLERANCE_MS;
      // What a process that stood still has missed of many calls must not go out at once.
      const tooClose = apart ? this.readyAt > due : performance.now() - due > TOLERANCE_MS;
      if (epoch !== this.epoch || tooClose || !this.letThrough()) {
        this.unspent = { from: Math.round(at + wait * 1000), until };
        return;
      }
      if (apart) {
        this.left = this.leave(intervalMs);
      }
    }
  }

  /** After a turn of the event loop a call has left, however long the process stood still with it. */
  private async leave(intervalMs: number): Promise<void> {
    await turn();
    this.readyAt = performance.now() + intervalMs - TOLERANCE_MS;
  }

  private letThrough(): boolean {
    const first = this.waiting.shift();
    if (first) {
      this.meter.count();
    }
    first?.signal.removeEventListener('abort', first.onAbort);
    first?.resolve();
    return first !== undefined;
  }
}
