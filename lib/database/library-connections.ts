import { AsyncLocalStorage } from 'node:async_hooks';
import { Inject, Injectable, Logger } from '@nestjs/common';
import { APP_ORM } from './entity-managers.js';
import type { MikroORM } from '@mikro-orm/core';
import { onPgPool } from './pg-pool.js';
import { TrackedPool } from './tracked-pool.js';
import type { PoolUsage } from './tracked-pool.js';

/** Time that code of the app has to release its connections before a message says that they are waited for. */
const RELEASE_MS = 2_000;

/** Whose work it is that runs. */
interface Work {
  readonly owners: ReadonlySet<LibraryConnections>;
  /** `null` where it is not that of one run. */
  readonly runId: string | null;
}

/** One for all apps of a process: Node keeps every instance that was ever entered, and each promise of the process pays for each of them. */
const current = new AsyncLocalStorage<Work>();

/**
 * Closes the connections to the database that the library acquired and still holds at shutdown: by a handler that
 * ignores its signal, or because the database does not answer. MikroORM waits for each of them without limit when it
 * closes its pool. Connections of the app are left alone. Knows the pools of `pg` in MikroORM 7.
 */
@Injectable()
export class LibraryConnections {
  private readonly logger = new Logger('Backfill');
  private readonly pools = new Map<MikroORM, TrackedPool[]>();
  /** The contexts of which `pools` has all that there are. */
  private readonly known = new Set<MikroORM>();
  private closed = false;

  constructor(@Inject(APP_ORM) orm: MikroORM) {
    this.watch(orm);
  }

  /** Watches the pools of a further context that the library uses. */
  watch(orm: MikroORM): void {
    if (this.pools.has(orm)) {
      return;
    }
    const pools: TrackedPool[] = [];
    this.pools.set(orm, pools);
    const isKnown = onPgPool(orm, (pool) => {
      const tracked = new TrackedPool(pool, () => this.owner());
      pools.push(tracked);
      if (this.closed) {
        // MikroORM creates a pool when it is first used, if need be while the app closes.
        void tracked.close();
      }
    });
    if (isKnown) {
      this.known.add(orm);
    }
  }

  /** Runs work of the library: connections that it acquires, or what it starts, are those of the library. */
  run<T>(work: () => T): T {
    const store = current.getStore();
    return store?.owners.has(this)
      ? work()
      : current.run({ owners: new Set(store?.owners).add(this), runId: null }, work);
  }

  /** As `run`, for work of one run of a backfill. */
  runFor<T>(runId: string, work: () => T): T {
    return current.run({ owners: new Set(current.getStore()?.owners).add(this), runId }, work);
  }

  /** The pool of a context of which work of a run waits for a connection for longest; `null` where none is exhausted. */
  exhaustion(orm: MikroORM, runId: string): PoolUsage | null {
    const now = performance.now();
    const exhausted = this.poolsOf(orm)
      .map((pool) => pool.exhaustion(now, runId))
      .filter((usage) => usage !== null);
    return exhausted.toSorted((a, b) => b.waitedMs - a.waitedMs)[0] ?? null;
  }

  /** The sessions of the database of a context that work of a run uses; `null` where that is not known, as of another driver. */
  sessions(orm: MikroORM, runId: string): number[] | null {
    const pools = this.poolsOf(orm);
    return this.known.has(orm) || pools.length > 0 ? pools.flatMap((pool) => pool.sessions(runId)) : null;
  }

  /** The run whose work it is that runs now, `null` of other work of the library, and undefined where it is not the library's. */
  private owner(): string | null | undefined {
    const store = current.getStore();
    return store?.owners.has(this) ? store.runId : undefined;
  }

  /** Closes the connections of the library; later ones are refused. */
  async close(): Promise<void> {
    this.closed = true;
    await Promise.all(this.allPools().map((pool) => pool.close()));
  }

  /** Deals with what is left a while after MikroORM began to close its pools. */
  afterClose(): void {
    const pools = this.allPools();
    pools.forEach((pool) => pool.snapshot());
    const timer = setTimeout(() => {
      pools.forEach((pool) => pool.destroyEnded());
      const held = pools.reduce((sum, pool) => sum + pool.heldByApp, 0);
      if (held > 0) {
        this.logger.warn(
          `MikroORM waits for ${held} database connection${held === 1 ? '' : 's'} that code of the app acquired and ` +
            'has not released: an open transaction, a stream, or a statement that still runs. The app closes after that',
        );
      }
    }, RELEASE_MS);
    timer.unref();
  }

  private poolsOf(orm: MikroORM): readonly TrackedPool[] {
    return this.pools.get(orm) ?? [];
  }

  private allPools(): readonly TrackedPool[] {
    return [...this.pools.values()].flat();
  }
}
