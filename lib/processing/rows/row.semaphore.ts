/** Row permits of one range, as the range acquires and releases them for its rows. */
export interface Permits {
  /** Acquires a permit for one row. Answers false when none is free; `onAvailable` is then called once there may be. */
  tryAcquire(onAvailable: () => void): boolean;
  /** Releases the permit of one row. */
  release(): void;
  /** Tells how many rows are still to start: a range with none makes room for the next one. */
  setPending(rows: number): void;
}

/** Permits without a limit. */
export const UNLIMITED_PERMITS: Permits = {
  tryAcquire: () => true,
  release: () => undefined,
  setPending: () => undefined,
};

/**
 * Bounds the rows of one run that this process handles at once. The ranges share the permits of all their rows: as
 * soon as the last rows of a range have started, the next range is admitted, loads its rows, and starts them with
 * the permits that are released.
 */
export class RowSemaphore {
  private readonly admitted = new Set<RangePermits>();
  /** Ranges that wait to be admitted, first in, first out. */
  private readonly queue: (() => void)[] = [];
  private acquired = 0;
  private closed = false;

  /**
   * @param maxRanges ranges at once that have rows to start
   * @param rowsPerRange rows of a range at once
   */
  constructor(
    private readonly maxRanges: () => number,
    private readonly rowsPerRange: () => number,
  ) {}

  /** Waits until a range is admitted. Its permits end with `releaseRange`. */
  acquireRange(): Promise<RangePermits> {
    const permits = new RangePermits(this);
    if (this.queue.length === 0 && this.hasRoom()) {
      this.admitted.add(permits);
      return Promise.resolve(permits);
    }
    return new Promise((resolve) => {
      this.queue.push(() => {
        this.admitted.add(permits);
        resolve(permits);
      });
      this.dispatch();
    });
  }

  /** Ends a range and releases every permit that its rows still have: a row may ignore its abort signal. */
  releaseRange(permits: RangePermits): void {
    this.admitted.delete(permits);
    this.acquired -= permits.close();
    this.dispatch();
  }

  /** Applies limits that have changed. */
  resize(): void {
    this.dispatch();
  }

  /** Admits every range that waits: none starts any more, and each has to see that. */
  close(): void {
    this.closed = true;
    this.dispatch();
  }

  /** For `RangePermits`. */
  tryAcquire(): boolean {
    const free = this.acquired < this.capacity;
    this.acquired += free ? 1 : 0;
    return free;
  }

  /** For `RangePermits`. */
  release(): void {
    this.acquired--;
  }

  /** For `RangePermits`: offers free permits to the ranges, oldest first, and admits the ranges that have room. */
  dispatch(): void {
    for (const permits of this.admitted) {
      if (this.acquired >= this.capacity) {
        break;
      }
      permits.notify();
    }
    while (this.queue.length > 0 && (this.closed || this.hasRoom())) {
      this.queue.shift()?.();
    }
  }

  private get capacity(): number {
    return Math.max(1, this.maxRanges()) * Math.max(1, this.rowsPerRange());
  }

  /** Whether fewer ranges than allowed have rows to start. */
  private hasRoom(): boolean {
    let starting = 0;
    for (const { pending } of this.admitted) {
      starting += pending > 0 ? 1 : 0;
    }
    return starting < Math.max(1, this.maxRanges());
  }
}

/** The permits of one admitted range. */
export class RangePermits implements Permits {
  /** Rows that are still to start; any number until they are loaded. */
  pending = Infinity;
  private acquired = 0;
  private closed = false;
  private onAvailable: (() => void) | null = null;

  constructor(private readonly semaphore: RowSemaphore) {}

  tryAcquire(onAvailable: () => void): boolean {
    const acquired = !this.closed && this.semaphore.tryAcquire();
    this.acquired += acquired ? 1 : 0;
    this.onAvailable = acquired ? null : onAvailable;
    return acquired;
  }

  release(): void {
    // A row that ignores its abort signal may end long after its range, which has released its permit already.
    if (!this.closed) {
      this.acquired--;
      this.semaphore.release();
    }
  }

  setPending(rows: number): void {
    this.pending = rows;
    this.semaphore.dispatch();
  }

  /** For `RowSemaphore`: a permit may be free. */
  notify(): void {
    const { onAvailable } = this;
    this.onAvailable = null;
    onAvailable?.();
  }

  /** For `RowSemaphore`: answers how many permits were still acquired. */
  close(): number {
    this.closed = true;
    this.onAvailable = null;
    return this.acquired;
  }
}
