/** Bounds of the work that a process does at once, in slots: rows for row handlers, else ranges. */
export interface SlotBounds {
  readonly min: number;
  readonly max: number;
}

/** What all processes have measured within the last second or so. */
export interface LoadSignals {
  /** Epoch ms by the clock of Redis. */
  readonly now: number;
  /** Median of the ms that a row took; `null` where too few have ended to tell. */
  readonly latencyMs: number | null;
  /** Ranges (for row handlers: rows) that ended. */
  readonly ended: number;
  /** How many slots a process used, on average. */
  readonly used: number;
  /** Processes that report. */
  readonly processes: number;
  /** Highest pressure of the throttles, 0 to 1. */
  readonly pressure: number;
  readonly pressureReason: string;
  /** Timeouts, and failures to get a lock or a connection. */
  readonly errors: number;
}

/** Where trouble began: raising is slow from here on. */
export interface Ceiling {
  readonly value: number;
  readonly at: number;
}

/** State of the controller of a run. Stored in Redis, so that another process continues with it. */
export interface ConcurrencyState {
  /** Slots that a process uses at once; a fraction is an average over time. Below the minimum, processes rest. */
  readonly value: number;
  /** Why `value` is what it is. */
  readonly reason: string;
  /** Epoch ms of the last change of `value`. */
  readonly since: number;
  /** Epoch ms of the last evaluation. */
  readonly at: number;
  readonly processes: number;
  /** The minimum when it was last evaluated. */
  readonly min: number;
  /** Latency of a row without load; `null` while unknown. */
  readonly floorMs: number | null;
  /** Smoothed latency of a row; `null` while unknown. */
  readonly latencyMs: number | null;
  /** Smoothed pressure. */
  readonly pressure: number;
  /** Smoothed ratio of the latency to its floor. */
  readonly stretch: number;
  readonly ceiling: Ceiling | null;
  /** The value before the last raise, which was free of trouble. */
  readonly good: number;
  readonly raisedAt: number;
  readonly loweredAt: number;
  /** How bad the trouble was when the value was last lowered, 0 to 1. */
  readonly severity: number;
  /** Raises since the last trouble. */
  readonly raises: number;
  /** Since when nothing has been wrong; epoch ms. */
  readonly calmSince: number;
  /** Ranges that ended since `value` changed. */
  readonly ended: number;
}

/** The state of a run that begins: at the minimum. */
export function initialConcurrency({ min }: SlotBounds, now: number): ConcurrencyState {
  return {
    value: min,
    reason: 'starts at its minimum',
    since: now,
    at: now,
    processes: 0,
    min,
    floorMs: null,
    latencyMs: null,
    pressure: 0,
    stretch: 1,
    ceiling: null,
    good: min,
    raisedAt: 0,
    loweredAt: 0,
    severity: 0,
    raises: 0,
    calmSince: now,
    ended: 0,
  };
}
