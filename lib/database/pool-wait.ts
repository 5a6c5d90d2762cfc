import { AsyncLocalStorage } from 'node:async_hooks';

/** Whose waiting is measured in the code that runs now. */
const current = new AsyncLocalStorage<PoolWait>();

/**
 * Measures for how long work waits for connections of the app's pool: that is no latency of the database. Knows the pools
 * that `TrackedPool` does.
 */
export class PoolWait {
  private readonly outer = current.getStore();
  /** When each wait that has not ended began. */
  private readonly pending = new Set<{ readonly since: number }>();
  private endedMs = 0;

  run<T>(work: () => T): T {
    return current.run(this, work);
  }

  get isWaiting(): boolean {
    return this.pending.size > 0;
  }

  /** Ms until now; waits that overlap are added up. */
  elapsed(now: number): number {
    return [...this.pending].reduce((sum, { since }) => sum + now - since, this.endedMs);
  }

  async measure<T>(acquiring: Promise<T>): Promise<T> {
    const wait = { since: performance.now() };
    this.pending.add(wait);
    try {
      return await (this.outer ? this.outer.measure(acquiring) : acquiring);
    } finally {
      this.pending.delete(wait);
      this.endedMs += performance.now() - wait.since;
    }
  }
}

/** Counts the time until a connection is acquired for the work that asks for it, where that is measured. */
export function measurePoolWait<T>(acquiring: Promise<T>): Promise<T> {
  return current.getStore()?.measure(acquiring) ?? acquiring;
}
