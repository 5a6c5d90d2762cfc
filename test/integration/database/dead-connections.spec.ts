import { setTimeout as sleep } from 'node:timers/promises';
import { defineEntity, MikroORM, p, PostgreSqlDriver } from '@mikro-orm/postgresql';
import { Logger } from '@nestjs/common';
import { DeadConnectionReclaimer } from '../../../lib/database/dead-connection.reclaimer.js';
import { createTestDatabase, type TestDatabase } from '../../support/databases/index.js';

const Counter = defineEntity({
  name: 'Counter',
  tableName: 'counters',
  properties: { id: p.integer().primary(), value: p.integer().default(0) },
});

const PLACES = 2;

describe('connections that the server ends in the middle of a transaction', () => {
  let database: TestDatabase;
  let orm: MikroORM;

  beforeAll(async () => {
    database = await createTestDatabase();
    await database.query('CREATE TABLE counters (id int PRIMARY KEY, value int NOT NULL DEFAULT 0)');
    await database.query('INSERT INTO counters (id) SELECT generate_series(1, 10)');
    orm = await MikroORM.init({
      driver: PostgreSqlDriver,
      clientUrl: database.url,
      entities: [Counter],
      pool: { min: 0, max: PLACES },
    });
    const reclaimer = new DeadConnectionReclaimer(new Logger('test', { timestamp: false }));
    await reclaimer.attach(orm);
    expect(orm.em.getConnection()).toHaveProperty('connected', false);
    await orm.em.fork().count(Counter);
    await reclaimer.attach(orm);
  });

  afterAll(() => orm.close(true));

  it('give their places in the pool back, however many die', async () => {
    for (let i = 0; i < PLACES + 1; i++) {
      const em = orm.em.fork();
      await em.begin();
      await em.getConnection().execute('SELECT 1', [], 'all', em.getTransactionContext());
      await database.query(
        `SELECT pg_terminate_backend(pid) FROM pg_stat_activity
          WHERE datname = current_database() AND state = 'idle in transaction'`,
      );
      await expect(em.rollback()).rejects.toThrow(/connection|terminat/i);
      await sleep(2_200);
    }
    await expect(orm.em.fork().count(Counter)).resolves.toBe(10);
  }, 30_000);
});
