import { sleep } from '../execution/sleep.js';
import { CallMeter } from './call.meter.js';
import type { QuotaAnswer } from './quota.bucket.js';

/** Calls are granted this far ahead: a pause or a hold is felt that soon. */
const AHEAD_MS = 100;
const MOST_AT_ONCE = 200;
/** While nothing is granted it is asked again this often at least. */
const LONGEST_WAIT_MS = 500;
const AGAIN_AFTER_ERROR_MS = 1_000;
/** A call that goes out so little late does not make the others wait. */
const TOLERANCE_MS = 5;

interface Waiting {
  readonly signal: AbortSignal;
  readonly resolve: () => void;
  readonly reject: (reason: unknown) => void;
  readonly onAbort: () => void;
}

/** Asks for so many calls, the first of which can be made in so many ms. */
export type AskForCalls = (calls: number, withinMs: number, readyInMs: number) => Promise<QuotaAnswer>;

/**
 * Lets the calls of a process through one by one, as the quota of all processes grants them: one question
 * to Redis for all that wait.
 */
export class QuotaGate {
  private waiting: Waiting[] = [];
  private free = false;
  private dispensing = false;
  /** Grows with each hold: what was granted or told before it no longer counts. */
  private epoch = 0;
  private heldUntil = 0;
  private readyAt = 0;
  private asked: Promise<{ answer: QuotaAnswer; asked: number }> | null = null;
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
    const { answer, asked } = await (this.asked ?? this.askFor(this.waiting.length));
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
        await this.spend(answer.waitMs, asked, epoch);
    }
  }

  private async askFor(waiting: number): Promise<{ answer: QuotaAnswer; asked: number }> {
    const asked = performance.now();
    const calls = Math.min(waiting, MOST_AT_ONCE);
    return { answer: await this.ask(calls, AHEAD_MS, Math.max(0, this.readyAt - asked)), asked };
  }

  /** A call that goes out late takes those after it along: two of them must not come too close. */
  private async spend(waits: readonly number[], asked: number, epoch: number): Promise<void> {
    let shift = 0;
    for (const [i, wait] of waits.entries()) {
      const due = asked + wait + shift;
      if (i === waits.length - 1 && this.waiting.length > 1) {
        // Asked for while the last one waits, or the way to Redis would be lost time each time.
        this.asked = this.askFor(this.waiting.length - 1);
        this.asked.catch(() => undefined);
      }
      await sleep(due - performance.now());
      if (epoch !== this.epoch || !this.letThrough()) {
        return;
      }
      shift += Math.max(0, performance.now() - due - TOLERANCE_MS);
      const gap = wait - (waits[i - 1] ?? wait);
      this.readyAt = performance.now() + Math.max(0, gap - TOLERANCE_MS);
    }
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
