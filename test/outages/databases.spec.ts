import { MikroOrmModule } from '@mikro-orm/nestjs';
import { PostgreSqlDriver } from '@mikro-orm/postgresql';
import { BullModule } from '@nestjs/bullmq';
import { ScheduleModule } from '@nestjs/schedule';
import { BackfillModule, keyset } from 'nestjs-backfill';
import { Client } from 'pg';
import { CREATE_ITEMS, createAppBench, defineBackfill, eventually, Item } from '../support/apps/index.js';
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

const touch = defineBackfill<never, Item>({
  name: 'touch',
  source: keyset(Item, {
    orderBy: { id: 'asc' },
    where: { state: 'new' },
    partitions: { here: {}, there: { contextName: 'us' } },
  }),
  config: { batchSize: 10, perSecondOnPeak: 10, perSecondOffPeak: 10 },
  processBatch: (items) =>
    items.forEach((item) => {
      item.touches++;
      item.state = 'done';
    }),
});

// Once for all apps: `MikroOrmModule` keeps the names of a process.
const contexts = () => [
  MikroOrmModule.forRoot({ driver: PostgreSqlDriver, clientUrl: bench.database.url, entities: [Item] }),
  MikroOrmModule.forRoot({
    contextName: 'us',
    driver: PostgreSqlDriver,
    clientUrl: us.url,
    entities: [Item],
  }),
];
let modules: ReturnType<typeof contexts> | undefined;

const app = () => ({
  only: [
    ...(modules ??= contexts()),
    BullModule.forRoot({ connection: bench.redis.connection }),
    ScheduleModule.forRoot(),
    BackfillModule.forRoot({ keyPrefix: bench.keyPrefix() }),
  ],
  handlers: [touch],
});

it('a database that is down holds its own partition, and the others go on', async () => {
  await bench.fillItems(`SELECT generate_series(1, ${ROWS})`);
  await query(
    `${CREATE_ITEMS};
     INSERT INTO items (id) SELECT generate_series(1, ${ROWS})`,
  );
  const { backfills, finished } = await bench.start(app());
  const receipt = await backfills.start('touch');
  await eventually(
    'rows of both',
    () => backfills.status('touch'),
    ({ partitions }) => partitions.every(({ rows }) => rows !== null && rows > 0),
  );
  await us.kill();
  const held = await eventually(
    'a hold of the partition whose database is down',
    () => backfills.status('touch'),
    ({ partitions }) => partitions.some((partition) => partition.held),
  );
  expect(held).toMatchObject({
    state: 'running',
    held: null,
    partitions: [
      { name: 'here', state: 'running', held: null },
      { name: 'there', state: 'running', held: { scope: 'run' } },
    ],
  });
  expect(await finished('touch.here')).toMatchObject({ state: 'completed', rowsDone: ROWS, failed: 0 });
  expect(await backfills.status('touch')).toMatchObject({ state: 'running', failed: 0, rowsFailed: 0 });

  // What cannot be started now keeps nothing else from it.
  await backfills.cancel('touch.there');
  const again = await backfills.start('touch');
  expect(again).toMatchObject({
    databases: [
      { backfill: 'touch.here', error: null },
      { backfill: 'touch.there', changed: false, error: expect.stringMatching(/./) },
    ],
  });
  expect(again.runId).not.toBe(receipt.runId);
  // A process that starts meanwhile has the others at once, and this one once its database answers.
  const late = await bench.start(app());
  expect(await late.backfills.preview('touch.here')).toMatchObject({ total: 0 });
  await expect(late.backfills.preview('touch.there')).rejects.toThrow('ECONNREFUSED');
  await us.restart();
  await eventually(
    'the start of the other',
    () => backfills.start('touch.there').catch(() => null),
    (started) => started !== null,
  );
  expect(await finished('touch')).toMatchObject({ state: 'completed', rowsFailed: 0, failed: 0 });
  expect(await query(`SELECT state, count(*)::int AS rows FROM items GROUP BY state`)).toEqual([
    { state: 'done', rows: ROWS },
  ]);
});
