import { MikroOrmModule } from '@mikro-orm/nestjs';
import { PostgreSqlDriver } from '@mikro-orm/postgresql';
import { BullModule } from '@nestjs/bullmq';
import { ScheduleModule } from '@nestjs/schedule';
import { BackfillModule, keyset } from 'nestjs-backfill';
import { Client } from 'pg';
import { createAppBench, defineBackfill, eventually, Item } from '../support/apps/index.js';
import { startPostgres, type PostgresServer } from '../support/services/postgres.js';

const ROWS = 400;
const bench = await createAppBench();
let us: PostgresServer;

beforeAll(async () => {
  us = await startPostgres({ fsync: true });
});
afterAll(() => us.stop());

async function query<Row>(sql: string): Promise<Row[]> {
  const client = new Client({ connectionString: us.url });
  await client.connect();
  try {
    return (await client.query(sql)).rows as Row[];
  } finally {
    await client.end();
  }
}

const touch = (name: string, contextName: string | undefined) =>
  defineBackfill<never, Item>({
    name,
    ...(contextName === undefined ? {} : { contextName }),
    source: keyset(Item, { orderBy: { id: 'asc' }, where: { state: 'new' } }),
    config: { batchSize: 10, perSecondOnPeak: 10, perSecondOffPeak: 10 },
    processBatch: (items) =>
      items.forEach((item) => {
        item.touches++;
        item.state = 'done';
      }),
  });

it('a database that is down holds its own backfills, and those of another go on', async () => {
  await bench.fillItems(`SELECT generate_series(1, ${ROWS})`);
  await query(
    `CREATE TABLE items (id int PRIMARY KEY, state text NOT NULL DEFAULT 'new', touches int NOT NULL DEFAULT 0);
     INSERT INTO items (id) SELECT generate_series(1, ${ROWS})`,
  );
  const { backfills, finished } = await bench.start({
    only: [
      MikroOrmModule.forRoot({ driver: PostgreSqlDriver, clientUrl: bench.database.url, entities: [Item] }),
      MikroOrmModule.forRoot({
        contextName: 'us',
        driver: PostgreSqlDriver,
        clientUrl: us.url,
        entities: [Item],
      }),
      BullModule.forRoot({ connection: bench.redis.connection }),
      ScheduleModule.forRoot(),
      BackfillModule.forRoot({ keyPrefix: bench.keyPrefix() }),
    ],
    handlers: [touch('here', undefined), touch('there', 'us')],
  });
  await Promise.all([backfills.start('here'), backfills.start('there')]);
  await eventually(
    'rows of both',
    () => Promise.all([backfills.status('here'), backfills.status('there')]),
    (both) => both.every(({ rowsDone }) => rowsDone > 0),
  );
  await us.kill();
  const held = await eventually(
    'a hold of the one whose database is down',
    () => backfills.status('there'),
    ({ rate }) => rate.perSecond === 0,
  );
  expect(held).toMatchObject({ state: 'running', failed: 0 });
  expect(await finished('here')).toMatchObject({ state: 'completed', rowsDone: ROWS, failed: 0 });
  expect(await backfills.status('there')).toMatchObject({ state: 'running', failed: 0, rowsFailed: 0 });
  await us.restart();
  expect(await finished('there')).toMatchObject({ state: 'completed', rowsDone: ROWS, rowsFailed: 0 });
  expect(await query(`SELECT count(*)::int AS rows FROM items WHERE state = 'done'`)).toEqual([
    { rows: ROWS },
  ]);
});
