import type { WorkState } from '../state/work-report.js';

/** Ranges that a report names. */
const MOST_RANGES = 5;
/** Weight of a step in the smoothed time. */
const WEIGHT = 0.1;

/** A range in process; times in ms of `performance.now()`. */
export interface RangeInProcess {
  readonly index: number;
  readonly since: number;
  steppedAt: number;
}

/** Knows the ranges of a run that are in process in this process, and how long the steps of a range usually take. */
export class WorkMeter {
  private readonly startedAt = performance.now();
  private readonly ranges = new Set<RangeInProcess>();
  private usualMs: number | null = null;
  private abortedAt: number | null = null;

  begin(index: number): RangeInProcess {
    const now = performance.now();
    const range = { index, since: now, steppedAt: now };
    this.ranges.add(range);
    return range;
  }

  /** Rows of a range were acknowledged. */
  step(range: RangeInProcess): void {
    const now = performance.now();
    const ms = now - range.steppedAt;
    range.steppedAt = now;
    this.usualMs = this.usualMs === null ? ms : this.usualMs + WEIGHT * (ms - this.usualMs);
  }

  end(range: RangeInProcess, succeeded: boolean): void {
    this.ranges.delete(range);
    if (succeeded) {
      this.step(range);
    }
  }

  /** The signals of all ranges in process are aborted. */
  noteAbort(): void {
    this.abortedAt ??= performance.now();
  }

  report(): WorkState {
    const now = performance.now();
    const abortedForMs = this.abortedAt === null ? null : Math.round(now - this.abortedAt);
    // Sets keep the order in which ranges began.
    const oldest = [...this.ranges].slice(0, MOST_RANGES);
    return {
      forMs: Math.round(now - this.startedAt),
      usualMs: this.usualMs,
      ranges: oldest.map(({ index, since }) => ({ index, forMs: Math.round(now - since), abortedForMs })),
    };
  }
}
