/** What a walk over the rows of a range asks for each of them. */
export interface Permits {
  /** Whether a row may begin now; where it may not, `again` is called once it may. */
  tryAcquire(again: () => void): boolean;
  /** A row is over. */
  release(): void;
  /** So many rows are still to begin. */
  setPending(rows: number): void;
}

/** For rows that nobody counts. */
export const UNLIMITED_PERMITS: Permits = {
  tryAcquire: () => true,
  release: () => undefined,
  setPending: () => undefined,
};

/**
 * The rows that a process handles at once. So many ranges share the places of all their rows: once the last
 * rows of one are under way the next range is let in, loads its rows, and begins them in the places that
 * become empty.
 */
export class RowSemaphore {
  private readonly lanes = new Set<RangePermits>();
  private readonly outside = new Map<RangePermits, () => void>();
  private taken = 0;
  private closed = false;

  /**
   * @param ranges ranges at once
   * @param rowsEach rows of a range at once
   */
  constructor(
    private readonly ranges: () => number,
    private readonly rowsEach: () => number,
  ) {}

  /** A lane is for one range after another. */
  lane(): RangePermits {
    return new RangePermits(this);
  }

  /** There may be more places than before. */
  resize(): void {
    for (const lane of this.lanes) {
      if (this.taken >= this.all) {
        break;
      }
      lane.advance();
    }
    while (this.outside.size > 0 && (this.closed || this.beginning() < Math.max(1, this.ranges()))) {
      const [[lane, enter] = []] = this.outside;
      if (lane && enter) {
        this.outside.delete(lane);
        this.lanes.add(lane);
        enter();
      }
    }
  }

  /** Lets everybody in who waits: there is nothing to begin any more, and they are to see it. */
  close(): void {
    this.closed = true;
    this.resize();
  }

  enter(lane: RangePermits): Promise<void> {
    if (this.outside.size === 0 && this.beginning() < Math.max(1, this.ranges())) {
      this.lanes.add(lane);
      return Promise.resolve();
    }
    return new Promise((resolve) => {
      this.outside.set(lane, resolve);
      this.resize();
    });
  }

  leave(lane: RangePermits): void {
    this.taken -= lane.active;
    this.lanes.delete(lane);
    this.resize();
  }

  /** Answers whether there was a place. */
  tryAcquire(): boolean {
    const free = this.taken < this.all;
    this.taken += free ? 1 : 0;
    return free;
  }

  release(): void {
    this.taken--;
  }

  private get all(): number {
    return Math.max(1, this.ranges()) * Math.max(1, this.rowsEach());
  }

  /** Ranges inside that have rows to begin. */
  private beginning(): number {
    let beginning = 0;
    for (const lane of this.lanes) {
      beginning += lane.toBegin > 0 ? 1 : 0;
    }
    return beginning;
  }
}

/** What one range after another takes of the places of a process. */
export class RangePermits implements Permits {
  active = 0;
  toBegin = Infinity;
  private inside = false;
  private again: (() => void) | null = null;

  constructor(private readonly places: RowSemaphore) {}

  /** Waits until a range may begin; it is inside until it leaves. */
  async enter(): Promise<void> {
    if (!this.inside) {
      this.inside = true;
      await this.places.enter(this);
    }
  }

  /** The range is over, with all its rows. */
  leave(): void {
    if (this.inside) {
      this.inside = false;
      this.places.leave(this);
      this.active = 0;
      this.toBegin = Infinity;
      this.again = null;
    }
  }

  /** Has the walk begin what it can. */
  advance(): void {
    const { again } = this;
    this.again = null;
    again?.();
  }

  tryAcquire(again: () => void): boolean {
    const free = this.inside && this.places.tryAcquire();
    this.active += free ? 1 : 0;
    this.again = free ? null : again;
    return free;
  }

  release(): void {
    // A row that ignored its signal may end long after its range was let go of.
    if (this.inside && this.active > 0) {
      this.active--;
      this.places.release();
    }
  }

  setPending(rows: number): void {
    this.toBegin = rows;
    this.places.resize();
  }
}
