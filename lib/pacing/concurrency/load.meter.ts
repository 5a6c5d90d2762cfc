/** What a process has measured since it was last read. */
export interface LoadReading {
  /** Median of the ms that a row takes; `null` where too few ranges have ended lately to tell. */
  readonly latencyMs: number | null;
  readonly ended: number;
  readonly errors: number;
  /** Slots that were used, on average. */
  readonly used: number;
}

/** Work that is under way. */
export interface Work {
  /** Ends it, with success or without. */
  end(succeeded: boolean): void;
}

interface Running {
  readonly startedAt: number;
  readonly rows: number;
}

interface Ended {
  readonly at: number;
  readonly msPerRow: number;
}

/** The latency is that of the ranges that ended within this, or of the last few. */
const RECENT_MS = 1_000;
const FEW = 5;
const FEW_WITHIN_MS = 10_000;
/** Fewer tell nothing. */
const ENOUGH = 3;
/** Of more, the newest are kept. */
const MOST = 200;

/** Measures what the slots of a run do in this process: how many are used, and how long a row takes. */
export class LoadMeter {
  private busy = 0;
  private busyMs = 0;
  private changedAt: number;
  private readAt: number;
  private ended = 0;
  private errors = 0;
  private recent: Ended[] = [];
  private readonly running = new Set<Running>();

  constructor(private readonly clock: () => number = () => performance.now()) {
    this.changedAt = this.readAt = clock();
  }

  /** Work on so many rows begins, in a slot of its own. */
  begin(rows: number): Work {
    this.count(1);
    const running = { startedAt: this.changedAt, rows: Math.max(1, rows) };
    this.running.add(running);
    return {
      end: (succeeded) => {
        this.end(running, succeeded);
      },
    };
  }

  /** The database timed out, or gave no lock. */
  countError(): void {
    this.errors++;
  }

  read(): LoadReading {
    this.count(0);
    const now = this.clock();
    const elapsed = now - this.readAt;
    const reading = {
      latencyMs: this.latency(now),
      ended: this.ended,
      errors: this.errors,
      used: elapsed > 0 ? this.busyMs / elapsed : this.busy,
    };
    this.readAt = now;
    this.busyMs = 0;
    this.ended = 0;
    this.errors = 0;
    return reading;
  }

  private end(running: Running, succeeded: boolean): void {
    this.count(-1);
    this.running.delete(running);
    this.ended++;
    if (succeeded) {
      const at = this.changedAt;
      this.recent.push({ at, msPerRow: (at - running.startedAt) / running.rows });
      if (this.recent.length > 2 * MOST) {
        this.recent = this.recent.slice(-MOST);
      }
    }
  }

  private count(change: number): void {
    const now = this.clock();
    this.busyMs += this.busy * (now - this.changedAt);
    this.changedAt = now;
    this.busy += change;
  }

  /** Work that is under way counts as soon as it takes longer than usual: where all hangs, nothing ends. */
  private latency(now: number): number | null {
    const first = this.recent.findIndex(({ at }) => now - at <= RECENT_MS);
    const count = first === -1 ? 0 : this.recent.length - first;
    const ended = this.recent
      .slice(-Math.max(count, FEW))
      .filter(({ at }) => now - at <= FEW_WITHIN_MS)
      .map(({ msPerRow }) => msPerRow);
    const usual = median(ended);
    if (usual === null) {
      return null;
    }
    const slow = [...this.running]
      .map(({ startedAt, rows }) => (now - startedAt) / rows)
      .filter((msPerRow) => msPerRow > usual);
    return ended.length + slow.length < ENOUGH ? null : median([...ended, ...slow]);
  }
}

function median(values: readonly number[]): number | null {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? null;
}
