import type { MikroORM } from '@mikro-orm/core';
import { Injectable } from '@nestjs/common';
import { endsWithin } from '../../async/timeout.js';
import { EntityManagers } from '../../database/entity-managers.js';
import type { DatabaseUser } from '../../database/entity-managers.js';
import { LibraryConnections } from '../../database/library-connections.js';
import type { LockWait, Row } from './lock-wait.js';
import { mysqlLocks, toMysqlWaits } from './mysql-locks.js';
import { postgresLocks, toPostgresWaits } from './postgres-locks.js';

const TIMEOUT_MS = 2_000;

/** The sessions that wait for locks, or why they cannot be told. */
export interface LockReading {
  /** The longest wait first. */
  readonly waits: readonly LockWait[];
  /** `null` where they were read. */
  readonly problem: string | null;
}

interface SqlConnection {
  execute(
    sql: string,
    params?: readonly unknown[],
    method?: 'all',
    transaction?: unknown,
  ): Promise<readonly Row[]>;
  transactional<T>(work: (transaction: unknown) => Promise<T>): Promise<T>;
}

/** Asks the database of a backfill which sessions wait for locks, and who holds these. */
@Injectable()
export class LockWaitReader {
  private readonly reading = new Map<MikroORM, Promise<LockReading>>();

  constructor(
    private readonly managers: EntityManagers,
    private readonly connections: LibraryConnections,
  ) {}

  /** Never rejects. @param sessions of the library */
  async read(sessions: readonly number[], backfill?: DatabaseUser): Promise<LockReading> {
    const orm = this.managers.ormOf(backfill);
    // At most one query is pending: more would acquire all connections of the pool.
    const reading =
      this.reading.get(orm) ??
      this.connections
        .run(() => query(orm, sessions))
        .catch((error: unknown) => ({ waits: [], problem: `the locks cannot be read: ${String(error)}` }))
        .finally(() => this.reading.delete(orm));
    this.reading.set(orm, reading);
    return (await endsWithin(reading, TIMEOUT_MS))
      ? reading
      : {
          waits: [],
          problem: `the locks cannot be read: the database did not answer within ${TIMEOUT_MS} ms`,
        };
  }
}

async function query(orm: MikroORM, sessions: readonly number[]): Promise<LockReading> {
  const connection: object = orm.em.getConnection('write');
  const scheme = schemeOf(orm, connection);
  if (!isSql(connection) || !/^(?:postgres|mysql|mariadb)/.test(scheme)) {
    return { waits: [], problem: 'the driver of this database cannot tell who waits for locks' };
  }
  if (scheme.startsWith('postgres')) {
    return { waits: await readPostgres(connection, sessions), problem: null };
  }
  // A driver may be used with the server of the other one.
  const [{ version = '' } = {}] = await connection.execute('select version() as version');
  return {
    waits: toMysqlWaits(await connection.execute(mysqlLocks(String(version), TIMEOUT_MS))),
    problem: null,
  };
}

/** The server ends a statement that takes long, as one over very many locks: its connection is one of the app's pool. */
async function readPostgres(connection: SqlConnection, sessions: readonly number[]): Promise<LockWait[]> {
  const rows = await connection.transactional(async (transaction) => {
    const execute = (sql: string) => connection.execute(sql, [], 'all', transaction);
    await execute(`set local statement_timeout = ${TIMEOUT_MS}`);
    return execute(postgresLocks(sessions));
  });
  return toPostgresWaits(rows);
}

/** By behavior, as the packages of drivers must not be imported. In MikroORM 6, the connection has the method. */
function schemeOf(orm: MikroORM, connection: object): string {
  const [platform, earlier] = [orm.em.getPlatform(), connection] as { getDefaultClientUrl?(): string }[];
  return platform?.getDefaultClientUrl?.() ?? earlier?.getDefaultClientUrl?.() ?? '';
}

function isSql(connection: object): connection is SqlConnection {
  return typeof Reflect.get(connection, 'execute') === 'function';
}
