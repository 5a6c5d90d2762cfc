import type { Logger } from '@nestjs/common';
import type { MikroORM } from '@mikro-orm/core';

/** Code that releases a dead connection itself, on the errors of its statements, has done so by then. */
const RECLAIM_AFTER_MS = 2_000;

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
 * Workaround for https://github.com/kysely-org/kysely/issues/1990, in Kysely 0.29.6 below MikroORM 7.2.1: a transaction
 * whose rollback fails does not release its connection. Once the server has ended as many transactions as the pool has
 * connections, every statement of the process waits forever. This class releases connections that were closed by
 * the server and are still acquired. `dead-connections.spec.ts` fails once the workaround is no longer needed.
 */
export class DeadConnectionReclaimer {
  private readonly acquired = new Set<PooledClient>();
  private readonly watched = new WeakSet<PooledClient>();
  private attached: Promise<void> | undefined;

  constructor(private readonly logger: Logger) {}

  /**
   * Attaches to the pool, once. Does nothing until the app has used the database, and so has to be called again: a
   * connection that is opened for this alone could keep an app from closing.
   */
  attach(orm: MikroORM): Promise<void> {
    const connection: object = orm.em.getConnection();
    if (!this.attached && Reflect.get(connection, 'connected') !== true) {
      return Promise.resolve();
    }
    this.attached ??= this.watchPool(connection).catch((error: unknown) => {
      this.attached = undefined;
      this.logger.debug(`Cannot attach to the pool of database connections yet: ${String(error)}`);
    });
    return this.attached;
  }

  private async watchPool(connection: object): Promise<void> {
    const pool = await poolOf(connection);
    pool?.on('connect', (client) => this.watch(client));
    pool?.on('acquire', (client) => {
      this.watch(client);
      this.acquired.add(client);
    });
    pool?.on('release', (_error, client) => this.acquired.delete(client));
  }

  private watch(client: PooledClient): void {
    if (this.watched.has(client)) {
      return;
    }
    this.watched.add(client);
    client.once('end', () => {
      setTimeout(() => this.reclaim(client), RECLAIM_AFTER_MS).unref();
    });
  }

  private reclaim(client: PooledClient): void {
    if (this.acquired.delete(client)) {
      this.logger.warn(
        'A database connection was closed in a transaction and not released; it is returned to its pool',
      );
      client.release?.(true);
    }
  }
}

/** The pool of a driver that uses `pg`. */
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
