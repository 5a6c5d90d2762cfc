import {
  BACKFILL_ENTITIES,
  BACKFILL_JOURNAL_ENTITIES,
  createJournalSchema,
  createLedgerSchema,
  keyset,
} from 'nestjs-backfill';
import { createAppBench, defineBackfill, eventually } from '../../support/apps/index.js';
import { TimedItem } from '../support/timed-item.entity.js';
import { environment } from '../support/index.js';

/** A short form, in this process and without a kill. */
const ROWS = 2_000;

const bench = await createAppBench();
const { name, url } = bench.database;
const query = (sql: string) => bench.database.query(sql);

const config = {
  batchSize: 50,
  concurrency: 4,
  rowConcurrency: 10,
  perSecondOnPeak: null,
  perSecondOffPeak: null,
};
const finish = (item: TimedItem) => {
  item.state = 'done';
};
const where = { state: 'new' };
const byId = keyset(TimedItem, { orderBy: { id: 'asc' }, where });
const verify = { sweeps: 1, sample: 100, row: ({ state }: TimedItem) => state === 'done' };
const processBatch = (items: TimedItem[]) => items.forEach(finish);
const all = { config, undo: {}, verify };
const handlers = [
  defineBackfill<never, TimedItem>({ ...all, name: 'batches', source: byId, processBatch }),
  defineBackfill<never, TimedItem>({
    ...all,
    name: 'locked',
    source: byId,
    guard: 'lock',
    processBatch,
  }),
  defineBackfill<never, TimedItem>({ ...all, name: 'rows', source: byId, processRow: finish }),
  defineBackfill<never, TimedItem>({
    name: 'by-instant',
    config,
    source: keyset(TimedItem, { orderBy: { createdAt: 'desc', id: 'desc' }, where }),
    processBatch,
  }),
  defineBackfill<never, TimedItem>({
    name: 'by-local-time',
    config,
    source: keyset(TimedItem, { orderBy: { localAt: 'asc', id: 'asc' }, where }),
    processBatch,
  }),
];

beforeAll(async () => {
  const statements: string[] = [];
  const target = { addSql: (sql: string) => statements.push(sql) };
  await Promise.all([createJournalSchema(target), createLedgerSchema(target)]);
  await query(statements.join('\n'));
  await query(
    'CREATE TABLE timed_items (id int PRIMARY KEY, state text NOT NULL, created_at timestamptz NOT NULL, local_at timestamp NOT NULL)',
  );
  await query('CREATE INDEX ON timed_items (created_at, id); CREATE INDEX ON timed_items (local_at, id)');
});
beforeEach(async () => {
  // Through the hours of Berlin that daylight saving leaves out and repeats, with digits beyond those of a `Date`.
  await query(
    `TRUNCATE timed_items; INSERT INTO timed_items SELECT n, 'new',
       timestamptz '2024-10-26 23:30:00+00' + n * interval '5 seconds 1 microsecond',
       timestamp '2024-03-31 01:30:00' + n * interval '5 seconds 1 microsecond' FROM generate_series(1, ${ROWS}) n`,
  );
});
afterEach(() => query(`ALTER DATABASE ${name} RESET ALL`));

const start = (poolSize: number, database = { url }) =>
  bench.start({
    handlers,
    poolSize,
    database,
    entities: [TimedItem, ...BACKFILL_ENTITIES, ...BACKFILL_JOURNAL_ENTITIES],
    options: { ledger: true, stalledAfter: 1_000 },
  });
const done = async () => (await query(`SELECT FROM timed_items WHERE state = 'done'`)).length;

environment('a pool of one connection, and all that the library does beside handlers', async () => {
  const { backfills, finished } = await start(1);
  for (const backfill of ['batches', 'locked', 'rows']) {
    expect(await backfills.preview(backfill)).toMatchObject({ total: ROWS / config.batchSize });
    expect(await backfills.rehearse(backfill, { rows: 20 })).toMatchObject({ errors: [], untouched: 0 });
    const { runId } = await backfills.start(backfill);
    expect(await finished(backfill)).toMatchObject({ state: 'completed', rowsDone: ROWS, journaled: ROWS });
    expect(await done()).toBe(ROWS);
    await backfills.undo(backfill, { runId });
    expect(await finished(backfill)).toMatchObject({ state: 'completed', rowsDone: ROWS, conflicts: 0 });
    expect(await done()).toBe(0);
  }
});

environment('a server in a time zone with daylight saving', async () => {
  await query(`ALTER DATABASE ${name} SET timezone = 'Europe/Berlin'`);
  const { backfills, finished } = await start(10);
  for (const backfill of ['by-instant', 'by-local-time']) {
    await backfills.start(backfill);
    expect(await finished(backfill)).toMatchObject({ state: 'completed', rowsDone: ROWS, rowsMissing: 0 });
    expect(await done()).toBe(ROWS);
    await query(`UPDATE timed_items SET state = 'new'`);
  }
});

environment('a user with read-only transactions', async () => {
  await query(`ALTER DATABASE ${name} SET default_transaction_read_only = on`);
  const { backfills } = await start(10);
  expect(await backfills.preview('rows')).toMatchObject({ total: ROWS / config.batchSize, warnings: [] });
  const { errors } = await backfills.rehearse('rows', { rows: 5 });
  expect(errors[0]?.error.message).toMatch(/read-only transaction/);
  await backfills.start('rows');
  await eventually(
    'the run to be paused',
    () => backfills.status('rows'),
    ({ state, stateReason }) => state === 'paused' && /read-only transaction/.test(stateReason ?? ''),
  );
  await backfills.cancel('rows');
  expect(await done()).toBe(0);
});
