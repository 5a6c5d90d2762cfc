import type { Connection, EntityManager } from '@mikro-orm/core';
import { Injectable } from '@nestjs/common';
import { endsWithin } from '../async/timeout.js';
import { isUnreachable } from './classify-error.js';
import { EntityManagers } from './entity-managers.js';
import { LibraryConnections } from './library-connections.js';

/** Checks whether the database answers now. */
@Injectable()
export class DatabaseHealth {
  private pinging: Promise<string | null> | undefined;

  constructor(
    private readonly managers: EntityManagers,
    private readonly connections: LibraryConnections,
  ) {}

  /** Why the database is down, in words; `null` where it answers within so many ms. */
  async problem(ms: number): Promise<string | null> {
    const ping = this.ping();
    return (await endsWithin(ping, ms)) ? ping : `The database did not answer within ${ms} ms`;
  }

  /** At most one query is pending: more would acquire all connections of the pool. */
  private ping(): Promise<string | null> {
    this.pinging ??= this.connections
      .run(() => this.query())
      .then(
        (answers) => (answers ? null : 'The database cannot be reached'),
        // A database that answers with an error answers.
        (error: unknown) =>
          isUnreachable(error) ? `The database cannot be reached: ${String(error)}` : null,
      )
      .finally(() => {
        this.pinging = undefined;
      });
    return this.pinging;
  }

  private async query(): Promise<boolean> {
    const em: EntityManager & { execute?(sql: string): Promise<unknown> } = this.managers.fork();
    if (em.execute) {
      await em.execute('select 1');
      return true;
    }
    // MongoDB. MikroORM 6 connects when it is created, MikroORM 7 when it is first used.
    const connection: Partial<Connection> = em.getConnection();
    await connection.ensureConnection?.();
    return (await connection.isConnected?.()) ?? true;
  }
}
