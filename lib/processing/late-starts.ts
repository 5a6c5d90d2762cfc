import type { LateRanges } from '../state/range-steps.js';

/** Lateness of a timer in a process that is not busy. */
const USUAL_MS = 2;

const NONE: LateRanges = { ranges: 0, ms: 0 };

/**
 * Counts the ranges that start late, as after their process stood still. A second that begins with them has them beside those
 * that are due in it: the script that claims ranges makes room for them.
 */
export class LateStarts {
  private late = NONE;

  /** Records that a range started so many ms late. */
  record(lateMs: number): void {
    if (lateMs > USUAL_MS) {
      this.late = { ranges: this.late.ranges + 1, ms: Math.max(this.late.ms, lateMs) };
    }
  }

  /** The ranges that started late since the last call, and the largest lateness of them. */
  take(): LateRanges {
    const { late } = this;
    this.late = NONE;
    return late;
  }
}
