/** Lateness of a timer in a process that is not busy. */
const MIN_BASELINE_MS = 2;
const BASELINE_HALF_LIFE_MS = 1_000;

/**
 * Measures how late ranges start after their process was stalled. Such ranges start together, and with those that
 * follow they would exceed the rate within a second: the next claim is delayed by what is measured here.
 */
export class StartLateness {
  /** Lateness that is normal for this process, by recent starts. */
  private baselineMs = MIN_BASELINE_MS;
  private baselineAt = 0;
  private excessMs = 0;

  /**
   * Records that a range started so many ms late. Only what exceeds the baseline counts: a process that is always
   * late by the same still starts its ranges at even intervals.
   *
   * @param now ms of a monotonic clock
   */
  record(lateMs: number, now: number): void {
    const decayed = this.baselineMs * 0.5 ** ((now - this.baselineAt) / BASELINE_HALF_LIFE_MS);
    const baselineMs = Math.max(MIN_BASELINE_MS, decayed);
    this.excessMs = Math.max(this.excessMs, lateMs - baselineMs);
    this.baselineMs = Math.max(baselineMs, lateMs);
    this.baselineAt = now;
  }

  /** The largest lateness above the baseline since the last call, in ms. */
  takeExcess(): number {
    const { excessMs } = this;
    this.excessMs = 0;
    return excessMs;
  }
}
