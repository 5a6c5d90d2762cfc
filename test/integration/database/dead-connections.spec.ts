import { setTimeout as sleep } from 'node:timers/promises';
import { defineEntity, MikroORM, p, PostgreSqlDriver } from '@mikro-orm/postgresql';
import { Logger } from '@nestjs/common';
import type { PoolClient } from 'pg';
import { DeadConnectionReclaimer } from '../../../lib/database/dead-connection.reclaimer.js';
import { createTestDatabase, type TestDatabase } from '../../support/databases/index.js';

const Counter = defineEntity({
  name: 'Counter',
  tableName: 'counters',
  properties: { id: p.integer().primary(), value: p.integer().default(0) },
});

const POOL_SIZE = 2;

describe('connections that the server ends in the middle of a transaction', () => {
  let database: TestDatabase;
  let orm: MikroORM;

  beforeAll(async () => {
    database = await createTestDatabase();
    await database.query('CREATE TABLE counters (id int PRIMARY KEY, value int NOT NULL DEFAULT 0)');
    await database.query('INSERT INTO counters (id) SELECT generate_series(1, 10)');
  });

  beforeEach(async () => {
    orm = await MikroORM.init({
      driver: PostgreSqlDriver,
      clientUrl: database.url,
      entities: [Counter],
      pool: { min: 0, max: POOL_SIZE },
    });
  });

  afterEach(() => orm.close(true));

  async function endTransaction(): Promise<void> {
    const em = orm.em.fork();
    await em.begin();
    await em.getConnection().execute('SELECT 1', [], 'all', em.getTransactionContext());
    await database.query(
      `SELECT pg_terminate_backend(pid) FROM pg_stat_activity
        WHERE datname = current_database() AND state = 'idle in transaction'`,
    );
    await expect(em.rollback()).rejects.toThrow(/connection|terminat/i);
  }

  it('are returned to the pool by the reclaimer, however many', async () => {
    const reclaimer = new DeadConnectionReclaimer(new Logger('test', { timestamp: false }));
    await reclaimer.attach(orm);
    expect(orm.em.getConnection()).toHaveProperty('connected', false);
    await orm.em.fork().count(Counter);
    await reclaimer.attach(orm);
    for (let i = 0; i < POOL_SIZE + 1; i++) {
      await endTransaction();
      await sleep(2_200);
    }
    await expect(orm.em.fork().count(Counter)).resolves.toBe(10);
  });

  // When this fails, Kysely has fixed https://github.com/kysely-org/kysely/issues/1990: remove the reclaimer for its
  // releases from then on.
  it('starve the pool without the reclaimer', async () => {
    const clients = new Set<PoolClient>();
    await orm.em.fork().count(Counter);
    const pool = await orm.em.getConnection().getNativeClient();
    pool.on('acquire', (client: PoolClient) => clients.add(client));
    for (let i = 0; i < POOL_SIZE; i++) {
      await endTransaction();
    }
    // Longer than the reclaimer waits.
    await sleep(2_200);
    const count = orm.em.fork().count(Counter);
    expect(await Promise.race([count, sleep(2_000, 'starved')])).toBe('starved');
    clients.forEach((client) => client.release(true));
    await expect(count).resolves.toBe(10);
  });
});
