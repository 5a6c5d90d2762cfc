import type { LateRanges } from '../state/range-steps.js';

/** Lateness of a timer in a process that is not busy. */
const USUAL_MS = 2;
/** Starts that are further apart than this are not of one turn of the event loop. */
const TOGETHER_MS = 2;

const NONE: LateRanges = { ranges: 0, ms: 0 };

/**
 * Counts the ranges that start together after their process stood still. A second that begins with them has them beside those
 * that are due in it: the script that claims ranges makes room for them.
 */
export class LateStarts {
  private most = NONE;
  private together = NONE;
  private lastAt = Number.NEGATIVE_INFINITY;

  /**
   * Records that a range started so many ms late.
   *
   * @param now ms of a monotonic clock
   */
  record(lateMs: number, now: number): void {
    if (lateMs <= USUAL_MS) {
      return;
    }
    const { ranges, ms } = now - this.lastAt > TOGETHER_MS ? NONE : this.together;
    this.together = { ranges: ranges + 1, ms: Math.max(ms, lateMs) };
    this.lastAt = now;
    if (this.together.ranges >= this.most.ranges) {
      this.most = { ranges: this.together.ranges, ms: Math.max(this.most.ms, this.together.ms) };
    }
  }

  /** The most ranges that started together since the last call, and the largest lateness of them. */
  take(): LateRanges {
    const { most } = this;
    this.most = NONE;
    this.together = NONE;
    return most;
  }
}
