const WINDOW_MS = 1_000;
/** A rate over less than this says nothing. */
const LEAST_MS = 50;

/** Counts calls, for their rate over the last one to two seconds. */
export class CallMeter {
  private before = { from: 0, calls: 0 };
  private now = { from: performance.now(), calls: 0 };

  count(): void {
    if (performance.now() - this.now.from > WINDOW_MS) {
      this.before = this.now;
      this.now = { from: performance.now(), calls: 0 };
    }
    this.now.calls++;
  }

  perSecond(): number {
    const whole = this.before.calls > 0 && performance.now() - this.before.from < 3 * WINDOW_MS;
    const from = whole ? this.before.from : this.now.from;
    const calls = this.now.calls + (whole ? this.before.calls : 0);
    return (calls * 1000) / Math.max(LEAST_MS, performance.now() - from);
  }
}
