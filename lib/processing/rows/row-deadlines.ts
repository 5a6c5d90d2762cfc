import { RowTimeoutError } from '../../errors/handler.errors.js';
import type { LazyAbortController } from '../../async/lazy-abort-controller.js';

/** When a row has taken as long as it may, by `performance.now()`. */
interface Deadline {
  readonly at: number;
  readonly late: () => void;
}

/** Gives the rows of a walk no more than their time. One timer serves them all: one each is what a row would cost. */
export class RowDeadlines {
  private readonly deadlines = new Set<Deadline>();
  private timer: NodeJS.Timeout | undefined;
  private timerAt = Infinity;

  /** @param timeoutMs ms that a row may take; `null`: as long as it takes */
  constructor(private readonly timeoutMs: () => number | null) {}

  /**
   * Waits for a row, but no longer than it may take: then it is told to stop and the wait is over, whether
   * the handler honours that or not.
   *
   * @throws RowTimeoutError
   */
  within(work: unknown, stop: Pick<LazyAbortController, 'abort'>): Promise<unknown> {
    const ms = this.timeoutMs();
    const working = Promise.resolve(work);
    if (ms === null) {
      return working;
    }
    return new Promise((resolve, reject) => {
      const late = () => {
        const error = new RowTimeoutError(ms);
        stop.abort(error);
        reject(error);
      };
      const deadline = { at: performance.now() + ms, late };
      const inTime = (settle: (value: unknown) => void) => (value: unknown) => {
        this.deadlines.delete(deadline);
        settle(value);
      };
      this.deadlines.add(deadline);
      this.watch(deadline.at);
      // What it throws after its time nobody is left to hear; the row has failed already.
      working.then(inTime(resolve), inTime(reject));
    });
  }

  /** All rows are over. */
  close(): void {
    clearTimeout(this.timer);
  }

  private watch(at: number): void {
    if (at < this.timerAt) {
      clearTimeout(this.timer);
      this.timerAt = at;
      this.timer = setTimeout(() => this.check(), Math.max(1, Math.ceil(at - performance.now())));
    }
  }

  private check(): void {
    this.timerAt = Infinity;
    const now = performance.now();
    let next = Infinity;
    for (const deadline of this.deadlines) {
      if (deadline.at <= now) {
        this.deadlines.delete(deadline);
        deadline.late();
      } else {
        next = Math.min(next, deadline.at);
      }
    }
    if (next < Infinity) {
      this.watch(next);
    }
  }
}
