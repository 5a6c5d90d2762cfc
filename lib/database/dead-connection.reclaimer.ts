import type { Logger } from '@nestjs/common';
import type { MikroORM } from '@mikro-orm/core';

/** Whoever holds a connection that died has had its errors by then, and gave it back if it ever will. */
const PATIENCE_MS = 2_000;

/** The part of a client of `pg` that is used here. */
interface PooledClient {
  once(event: 'end', listener: () => void): unknown;
  release?(destroy: boolean): void;
}

/** The part of a pool of `pg` that is used here. */
interface Pool {
  on(event: 'connect' | 'acquire', listener: (client: PooledClient) => void): unknown;
  on(event: 'release', listener: (error: unknown, client: PooledClient) => void): unknown;
}

/**
 * Gives the places of dead connections back to the pool. A connection that the server ends in the middle of
 * a transaction is never released by the query builder below MikroORM 7 (its rollback fails on it); after
 * as many as the pool holds, every statement of the process would wait for ever.
 */
export class DeadConnectionReclaimer {
  private readonly held = new Set<PooledClient>();
  private readonly watched = new WeakSet<PooledClient>();
  private attached: Promise<void> | undefined;

  constructor(private readonly logger: Logger) {}

  /**
   * Begins to watch the pool, once. Does nothing, and so is to be called again, until somebody has used the
   * database: to connect for this alone would leave a connection that an app which closes meanwhile waits for.
   */
  attach(orm: MikroORM): Promise<void> {
    const connection: object = orm.em.getConnection();
    if (!this.attached && Reflect.get(connection, 'connected') !== true) {
      return Promise.resolve();
    }
    this.attached ??= this.watchPool(connection).catch((error: unknown) => {
      this.attached = undefined;
      this.logger.debug(`The pool of database connections cannot be watched yet: ${String(error)}`);
    });
    return this.attached;
  }

  private async watchPool(connection: object): Promise<void> {
    const pool = await poolOf(connection);
    pool?.on('connect', (client) => this.watch(client));
    pool?.on('acquire', (client) => {
      this.watch(client);
      this.held.add(client);
    });
    pool?.on('release', (_error, client) => this.held.delete(client));
  }

  private watch(client: PooledClient): void {
    if (this.watched.has(client)) {
      return;
    }
    this.watched.add(client);
    client.once('end', () => {
      setTimeout(() => this.reclaim(client), PATIENCE_MS).unref();
    });
  }

  private reclaim(client: PooledClient): void {
    if (this.held.delete(client)) {
      this.logger.warn(
        'A database connection died in a transaction and was not released; its place is free again',
      );
      client.release?.(true);
    }
  }
}

/** The pool, where the driver is one of `pg` and tells its pool. */
async function poolOf(connection: object): Promise<Pool | undefined> {
  const native: unknown = Reflect.get(connection, 'getNativeClient');
  if (typeof native !== 'function') {
    return undefined;
  }
  const pool: unknown = await native.call(connection);
  const isPool =
    typeof pool === 'object' &&
    pool !== null &&
    'totalCount' in pool &&
    typeof Reflect.get(pool, 'on') === 'function';
  return isPool ? (pool as unknown as Pool) : undefined;
}
