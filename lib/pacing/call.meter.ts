const WINDOW_MS = 1_000;
/** Bounds the rate that a few calls right after the start seem to have. */
const MIN_ELAPSED_MS = 50;

/** Measures the rate of calls over the current and the previous window of one second. */
export class CallMeter {
  private previous = { from: 0, calls: 0 };
  private current = { from: performance.now(), calls: 0 };

  count(): void {
    if (performance.now() - this.current.from > WINDOW_MS) {
      this.previous = this.current;
      this.current = { from: performance.now(), calls: 0 };
    }
    this.current.calls++;
  }

  perSecond(): number {
    const now = performance.now();
    const usesPrevious = this.previous.calls > 0 && now - this.previous.from < 3 * WINDOW_MS;
    const from = usesPrevious ? this.previous.from : this.current.from;
    const calls = this.current.calls + (usesPrevious ? this.previous.calls : 0);
    return (calls * 1000) / Math.max(MIN_ELAPSED_MS, now - from);
  }
}
