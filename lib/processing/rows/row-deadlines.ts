import type { LazyAbortController } from '../../async/lazy-abort-controller.js';
import { RowTimeoutError } from '../../errors/handler.errors.js';

interface Deadline {
  /** By `performance.now()`. */
  readonly at: number;
  readonly onTimeout: () => void;
}

/** Times out the rows of a range. One timer serves them all: a timer for each row is too expensive. */
export class RowDeadlines {
  private readonly deadlines = new Set<Deadline>();
  private timer: NodeJS.Timeout | undefined;
  private timerAt = Infinity;

  /** @param timeoutMs ms that a row may take; `null`: no limit */
  constructor(private readonly timeoutMs: () => number | null) {}

  /**
   * Waits for the handler of a row. On timeout its signal is aborted and the wait ends, whether the handler
   * honors the signal or not.
   *
   * @throws RowTimeoutError
   */
  within(work: unknown, abort: Pick<LazyAbortController, 'abort'>): Promise<unknown> {
    const ms = this.timeoutMs();
    const working = Promise.resolve(work);
    if (ms === null) {
      return working;
    }
    return new Promise((resolve, reject) => {
      const onTimeout = () => {
        const error = new RowTimeoutError(ms);
        abort.abort(error);
        reject(error);
      };
      const deadline = { at: performance.now() + ms, onTimeout };
      const onSettled = (settle: (value: unknown) => void) => (value: unknown) => {
        this.deadlines.delete(deadline);
        settle(value);
      };
      this.deadlines.add(deadline);
      this.schedule(deadline.at);
      // A rejection after the timeout is ignored: the row has failed already.
      working.then(onSettled(resolve), onSettled(reject));
    });
  }

  /** Clears the timer, after the last row of a round. */
  close(): void {
    clearTimeout(this.timer);
    this.timerAt = Infinity;
  }

  private schedule(at: number): void {
    if (at < this.timerAt) {
      clearTimeout(this.timer);
      this.timerAt = at;
      this.timer = setTimeout(() => this.expire(), Math.max(1, Math.ceil(at - performance.now())));
    }
  }

  private expire(): void {
    this.timerAt = Infinity;
    const now = performance.now();
    let next = Infinity;
    for (const deadline of this.deadlines) {
      if (deadline.at <= now) {
        this.deadlines.delete(deadline);
        deadline.onTimeout();
      } else {
        next = Math.min(next, deadline.at);
      }
    }
    if (next < Infinity) {
      this.schedule(next);
    }
  }
}
