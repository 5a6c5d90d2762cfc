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
  /** Whether they are those of the run; else those of its account. */
  readonly areOwn: boolean;
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

  /** Never rejects. @param sessions of the run; `null` where they are not known */
  async read(sessions: readonly number[] | null, backfill?: DatabaseUser): Promise<LockReading> {
    if (sessions?.length === 0) {
      return { waits: [], areOwn: true, problem: null };
    }
    const orm = this.managers.ormOf(backfill);
    const ends = performance.now() + TIMEOUT_MS;
    // At most one query is pending: more would acquire all connections of the pool.
    for (let before = this.reading.get(orm); before; before = this.reading.get(orm)) {
      if (!(await endsWithin(before, ends - performance.now()))) {
        return unread(`the database did not answer within ${TIMEOUT_MS} ms`);
      }
    }
    const reading = this.connections
      .run(() => query(orm, sessions))
      .catch((error: unknown) => unread(String(error)))
      .finally(() => this.reading.delete(orm));
    this.reading.set(orm, reading);
    return (await endsWithin(reading, ends - performance.now()))
      ? reading
      : unread(`the database did not answer within ${TIMEOUT_MS} ms`);
  }
}

async function query(orm: MikroORM, sessions: readonly number[] | null): Promise<LockReading> {
  const connection: object = orm.em.getConnection('write');
  const scheme = schemeOf(orm, connection);
  if (!isSql(connection) || !/^(?:postgres|mysql|mariadb)/.test(scheme)) {
    const problem = 'the driver of this database cannot tell who waits for locks';
    return { waits: [], areOwn: false, problem };
  }
  if (scheme.startsWith('postgres')) {
    return readPostgres(connection, sessions);
  }
  // A driver may be used with the server of the other one.
  const [{ version = '' } = {}] = await connection.execute('select version() as version');
  return {
    waits: toMysqlWaits(await connection.execute(mysqlLocks(String(version), TIMEOUT_MS))),
    areOwn: false,
    problem: null,
  };
}

/** The server ends a statement that takes long, as one over very many locks: its connection is one of the app's pool. */
async function readPostgres(
  connection: SqlConnection,
  sessions: readonly number[] | null,
): Promise<LockReading> {
  const rows = await connection.transactional(async (transaction) => {
    const execute = (sql: string) => connection.execute(sql, [], 'all', transaction);
    await execute(`set local statement_timeout = ${TIMEOUT_MS}`);
    return execute(postgresLocks(sessions));
  });
  return { waits: toPostgresWaits(rows), areOwn: rows.every((row) => row['is_own'] === true), problem: null };
}

function unread(why: string): LockReading {
  return { waits: [], areOwn: false, problem: `the locks cannot be read: ${why}` };
}

/** By behavior, as the packages of drivers must not be imported. In MikroORM 6, the connection has the method. */
function schemeOf(orm: MikroORM, connection: object): string {
  const [platform, earlier] = [orm.em.getPlatform(), connection] as { getDefaultClientUrl?(): string }[];
  return platform?.getDefaultClientUrl?.() ?? earlier?.getDefaultClientUrl?.() ?? '';
}

function isSql(connection: object): connection is SqlConnection {
  return typeof Reflect.get(connection, 'execute') === 'function';
}
