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
  /** Ranges (for row handlers: rows) that ended since the last signals. */
  readonly ended: number;
  /** How many slots a process used, on average. */
  readonly used: number;
  /** Processes that report. */
  readonly processes: number;
  /** Highest pressure of the throttles, 0 to 1; `null` where the one with the highest does not know it yet. */
  readonly pressure: number | null;
  readonly pressureReason: string;
  /** Timeouts, and failures to get a lock, since the last signals. */
  readonly errors: number;
}
