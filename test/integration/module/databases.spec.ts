import { stripVTControlCharacters } from 'node:util';
import { BACKFILL_JOURNAL_ENTITIES, BackfillHealthIndicator, keyset, OnBackfill } from 'nestjs-backfill';
import { ensureCompleted } from 'nestjs-backfill/migrations';
import type { BackfillEvent, BackfillOptions, DatabasePartition, SourceFilter } from 'nestjs-backfill';
import { Injectable } from '@nestjs/common';
import type { Type } from '@nestjs/common';
import { CommandLine } from '../cli/command-line.js';
import {
  CREATE_ITEMS,
  createAppBench,
  databaseContext,
  defineBackfill,
  eventually,
  Item,
  startsInContexts,
} from '../../support/apps/index.js';
import { createTestDatabase, type TestDatabase } from '../../support/databases/index.js';

const bench = await createAppBench();
const us = await createTestDatabase();
await us.query(CREATE_ITEMS);

const startWith = startsInContexts(bench, [
  databaseContext(undefined, bench.database.url, [Item]),
  databaseContext('eu', bench.database.url, [Item]),
  databaseContext('us', us.url, [Item]),
  databaseContext('bare', bench.database.url, [...BACKFILL_JOURNAL_ENTITIES]),
]);
const start = (...handlers: Type[]) => startWith({}, ...handlers);

beforeEach(async () => {
  await bench.fillItems('SELECT generate_series(1, 25)');
  await us.query('TRUNCATE items');
  await us.query('INSERT INTO items (id) SELECT generate_series(1, 40)');
});

type Partitions = Readonly<Record<string, SourceFilter<Item> | DatabasePartition<Item>>>;

const PARTITIONS: Partitions = {
  eu: { contextName: 'eu' },
  us: { contextName: 'us', where: { id: { $lte: 30 } } },
};

const finish = (
  partitions = PARTITIONS,
  options: Partial<BackfillOptions> = {},
  beforeEach: (backfill: string) => Promise<void> | void = () => undefined,
) =>
  defineBackfill<never, Item>({
    name: 'finish',
    source: keyset(Item, { orderBy: { id: 'asc' }, where: { state: 'new' }, partitions }),
    config: { batchSize: 10, perSecondOnPeak: null, perSecondOffPeak: null },
    ...options,
    processBatch: async (items, { backfill }) => {
      await beforeEach(backfill);
      items.forEach((item) => {
        item.touches++;
        item.state = backfill;
      });
    },
  });

const states = (database: TestDatabase) =>
  database.query<{ state: string; rows: number }>(
    'SELECT state, count(*)::int AS rows FROM items GROUP BY state ORDER BY state',
  );

it('each partition is a backfill of its own, in its own database', async () => {
  const { backfills, finished } = await start(finish());
  expect((await backfills.list()).map(({ name, state }) => [name, state])).toEqual([
    ['finish.eu', 'idle'],
    ['finish.us', 'idle'],
  ]);
  await backfills.configure('finish.us', { batchSize: 4, perSecondOnPeak: 0, perSecondOffPeak: 0 });
  await backfills.start('finish.us');
  await backfills.pause('finish.us', { by: 'ada', reason: 'one at a time' });
  await backfills.start('finish.eu');
  expect(await finished('finish.eu')).toMatchObject({ state: 'completed', rowsDone: 25, rowsTotal: 25 });
  expect(await backfills.status('finish.us')).toMatchObject({
    state: 'paused',
    pausedBy: 'ada',
    rowsTotal: 30,
    rowsDone: 0,
  });
  expect(await backfills.history('finish.eu', { types: ['paused'] })).toEqual([]);
  expect(await backfills.history('finish.us', { types: ['paused'] })).toMatchObject([
    { data: { by: 'ada', reason: 'one at a time' } },
  ]);
  await backfills.resume('finish.us');
  await backfills.configure('finish.us', { perSecondOnPeak: null, perSecondOffPeak: null });
  await eventually(
    'the other one to be completed',
    () => backfills.status('finish.us'),
    ({ state }) => state === 'completed',
  );
  expect(await states(bench.database)).toEqual([{ state: 'finish.eu', rows: 25 }]);
  expect(await states(us)).toEqual([
    { state: 'finish.us', rows: 30 },
    { state: 'new', rows: 10 },
  ]);
});

it('a partition without a context is in the database of the backfill', async () => {
  const { backfills, finished } = await start(
    finish({ some: { id: { $gt: 20 } }, others: { contextName: 'us', where: { id: 1 } } }),
  );
  for (const [name, rowsDone] of [
    ['finish.some', 5],
    ['finish.others', 1],
  ] as const) {
    await backfills.start(name);
    expect(await finished(name)).toMatchObject({ state: 'completed', rowsDone });
  }
});

it.each<[string, Partitions, string]>([
  [
    'a context that the app lacks',
    { asia: { contextName: 'asia' } },
    `Backfill "finish.asia" has contextName 'asia', and the app has no MikroOrmModule of that name`,
  ],
  [
    'the same rows twice',
    { one: { contextName: 'us', where: { id: 1 } }, two: { contextName: 'us', where: { id: 1 } } },
    'The partitions "one" and "two" of backfill "finish" have the same rows of the same database',
  ],
  [
    'the database of the module twice',
    { one: {}, two: { contextName: 'default' } },
    'The partitions "one" and "two" of backfill "finish" have the same rows of the same database',
  ],
  [
    'a context without the entity',
    { bare: { contextName: 'bare' } },
    'Add Item to the `entities` of the MikroORM configuration that this backfill uses',
  ],
  ['a name that no backfill can have', { EU: { contextName: 'eu' } }, 'Rename the partition "EU"'],
])('refuses %s when the app starts', async (_, partitions, message) => {
  await expect(start(finish(partitions))).rejects.toThrow(message);
});

it('the name of the backfill starts, pauses and tells of all of them together', async () => {
  const { app, backfills, finished } = await start(finish(PARTITIONS, { config: { batchSize: 5 } }));
  expect(await backfills.status('finish')).toMatchObject({ name: 'finish', state: 'idle', runId: null });
  const preview = await backfills.preview('finish', { limit: 3 });
  expect(preview).toMatchObject({
    total: 11,
    rowsTotal: 55,
    rowsTotalKind: 'exact',
    databases: [
      { partition: 'eu', backfill: 'finish.eu', total: 5, rowsTotal: 25 },
      { partition: 'us', backfill: 'finish.us', total: 6, rowsTotal: 30 },
    ],
  });
  expect(preview.ranges.map(({ index, partition }) => [index, partition])).toEqual([
    [0, 'eu'],
    [0, 'us'],
    [1, 'eu'],
  ]);
  await backfills.configure('finish.eu', { perSecondOnPeak: 0, perSecondOffPeak: 0 });
  await backfills.configure('finish.us', { perSecondOnPeak: 0, perSecondOffPeak: 0 });
  const receipt = await backfills.start('finish', { startedBy: 'ada' });
  const runs = await Promise.all(['finish.eu', 'finish.us'].map((name) => backfills.status(name)));
  expect(receipt).toEqual({
    runId: runs.map(({ runId }) => runId).join('+'),
    state: 'running',
    changed: true,
    databases: runs.map(({ name, runId }) => ({
      backfill: name,
      runId,
      state: 'running',
      changed: true,
      error: null,
    })),
  });
  expect(await backfills.pause('finish', { by: 'ada' })).toMatchObject({ state: 'paused', changed: true });
  await backfills.configure('finish.eu', { perSecondOnPeak: null, perSecondOffPeak: null });
  await backfills.resume('finish.eu');
  await finished('finish.eu');
  expect(await backfills.status('finish')).toMatchObject({
    state: 'paused',
    pausedBy: 'ada',
    rowsDone: 25,
    rowsTotal: 55,
    percent: 45.4,
    finishedAt: null,
    partitions: [
      { name: 'eu', backfill: 'finish.eu', state: 'completed', rows: 25, percent: 100 },
      { name: 'us', backfill: 'finish.us', state: 'paused', rows: 0, percent: 0 },
    ],
  });
  await expect(ensureCompleted('finish', { app })).rejects.toThrow('Backfill "finish.us" is not complete');
  expect(await backfills.resume('finish')).toMatchObject({
    runId: receipt.runId,
    state: 'running',
    databases: [
      { backfill: 'finish.eu', changed: false, error: expect.stringContaining('completed') },
      { backfill: 'finish.us', changed: true, error: null },
    ],
  });
  await backfills.configure('finish.us', { perSecondOnPeak: null, perSecondOffPeak: null });
  expect(await finished('finish')).toMatchObject({ state: 'completed', rowsDone: 55, percent: 100 });
  await ensureCompleted('finish', { app });
  await expect(backfills.pause('finish')).rejects.toThrow('finish.eu');
});

it('the name of the backfill stands for all of them in listeners and the health indicator', async () => {
  const heard: string[] = [];
  @Injectable()
  class Listener {
    @OnBackfill('completed', 'finish')
    onCompleted({ backfill }: BackfillEvent) {
      heard.push(`each ${backfill}`);
    }

    @OnBackfill('completed', 'finish', { once: true })
    onCompletedOnce({ backfill }: BackfillEvent) {
      heard.push(`once ${backfill}`);
    }
  }
  const { app, backfills, finished } = await start(
    finish(),
    finish({ one: { contextName: 'us' } }, { name: 'other' }),
    Listener,
  );
  const health = await app.get(BackfillHealthIndicator).isHealthy('backfills', { backfills: ['finish'] });
  expect(health).toMatchObject({ backfills: { status: 'up' } });
  expect(Object.keys(health['backfills']?.backfills ?? {})).toEqual(['finish.eu', 'finish.us']);
  await Promise.all([backfills.start('finish'), backfills.start('other')]);
  await Promise.all([finished('finish'), finished('other')]);
  await eventually(
    'the events of both',
    () => heard.toSorted(),
    (events) => events.length >= 4,
  );
  expect(heard.toSorted()).toEqual(['each finish.eu', 'each finish.us', 'once finish.eu', 'once finish.us']);
});

it.each<[string, string, Partitions]>([
  ['a backfill without', 'finish', { some: { id: 1 } }],
  ['another one with', 'finish', { asia: { contextName: 'us' } }],
  ['a partition of', 'finish.eu', { some: { id: 1 } }],
])('refuses %s partitions in several databases that has the same name', async (_, name, partitions) => {
  await expect(start(finish(), finish(partitions, { name }))).rejects.toThrow(
    `Two handlers have the name "${name}": Defined and Defined`,
  );
});

it('a start of all of them says how late the latest is expected to end, and their canaries are one', async () => {
  const slow = { perSecondOnPeak: 0.001, perSecondOffPeak: 0.001, batchSize: 1 };
  const { backfills, finished } = await start(finish(PARTITIONS, { config: slow }));
  // Hours before their end, and long after the test.
  const finishBy = new Date(Date.now() + 1_800_000).toISOString();
  const { late } = await backfills.start('finish', { finishBy, canary: { rows: 3 } });
  expect(late).toMatchObject({ by: expect.any(Number) });
  expect(await backfills.status('finish')).toMatchObject({ finishBy, canary: { rows: 6, state: 'running' } });
  for (const name of ['finish.eu', 'finish.us']) {
    await backfills.configure(name, { perSecondOnPeak: null, perSecondOffPeak: null });
  }
  expect(await finished('finish')).toMatchObject({
    state: 'paused',
    rowsDone: 6,
    canary: { state: 'passed', handedOut: 6 },
  });
});

it('the command line shows and changes all of them, and checks each database', async () => {
  const held = { perSecondOnPeak: 0, perSecondOffPeak: 0 };
  const { app } = await start(finish(PARTITIONS, { config: held }));
  const cli = new CommandLine(app);
  const plain = async (...words: string[]) =>
    stripVTControlCharacters((await cli.terminal(words)).screen).replaceAll('\r', '');
  expect(await plain('start', 'finish.us')).toMatch(/^finish\.us is running, run \w+_db\n/);
  const started = await plain('start', 'finish');
  expect(started).toContain('finish is running, run ');
  expect(started).toContain('\n  finish.eu is running\n');
  expect(started).toContain('\n  finish.us: Backfill "finish.us" cannot be started while its run ');
  expect(await plain('pause', 'finish')).toContain('\n  finish.eu is paused\n  finish.us is paused\n');
  expect(await plain('preview', 'finish')).toContain(
    '\n  finish.eu: 1 range, 25 rows\n  finish.us: 1 range, 30 rows',
  );
  const status = await plain('status', 'finish');
  expect(status).toContain('partition eu: paused, 0.0 %, 0 of 25 rows, at its beginning');
  expect(status).toContain('partition us: paused, 0.0 %, 0 of 30 rows, at its beginning');
  const doctor = await plain('doctor');
  expect(doctor).toContain('database: reachable');
  expect(doctor).toContain('database us: reachable');
  expect(await plain('cancel', 'finish')).toContain('finish is cancelled');
});

it('each database has the budget of the module for itself', async () => {
  const inFlight = new Set<string>();
  let release: () => void = () => undefined;
  const released = new Promise<void>((resolve) => (release = resolve));
  const handler = finish({ here: {}, us: { contextName: 'us' } }, {}, (backfill) => {
    inFlight.add(backfill);
    return released;
  });
  const { backfills, finished } = await startWith({ budget: { concurrency: 1 } }, handler);
  await backfills.start('finish');
  await eventually(
    'a range of each',
    () => inFlight.size,
    (size) => size === 2,
  );
  expect(await backfills.budget()).toMatchObject({
    context: 'default',
    ranges: 1,
    runs: [{ backfill: 'finish.here', ranges: 1 }],
    databases: [{ context: 'us', ranges: 1, runs: [{ backfill: 'finish.us', ranges: 1 }] }],
  });
  release();
  expect(await finished('finish')).toMatchObject({ state: 'completed', rowsDone: 65 });
});

it('the database without a name is the default one, also of a module that has a name', async () => {
  const { backfills, finished } = await startWith(
    { contextName: 'us' },
    finish({ here: { contextName: 'default' }, there: {} }),
  );
  await backfills.start('finish');
  expect(await finished('finish')).toMatchObject({ state: 'completed', rowsDone: 65 });
  expect(await states(bench.database)).toEqual([{ state: 'finish.here', rows: 25 }]);
  expect(await states(us)).toEqual([{ state: 'finish.there', rows: 40 }]);
});

it('`workers` may name the backfill, or one of them', async () => {
  await expect(startWith({ workers: ['finish.asia'] }, finish())).rejects.toThrow(
    '(finish, finish.eu, finish.us)',
  );
  const one = await startWith({ workers: ['finish.us'] }, finish());
  await one.backfills.start('finish');
  expect(await one.finished('finish.us')).toMatchObject({ state: 'completed' });
  expect(await one.backfills.status('finish.eu')).toMatchObject({ state: 'running', rowsDone: 0 });
  await one.close();
  const all = await startWith({ workers: ['finish'] }, finish());
  expect(await all.finished('finish')).toMatchObject({ state: 'completed', rowsDone: 55 });
});

it('names the partitions to whoever names the backfill, and is refused where the source depends on parameters', async () => {
  const { backfills } = await start(
    finish(),
    finish(PARTITIONS, {
      name: 'varied',
      source: () => keyset(Item, { orderBy: { id: 'asc' }, partitions: PARTITIONS }),
    }),
  );
  await expect(backfills.failures('finish')).rejects.toThrow(
    'The partitions of backfill "finish" are in several databases, and each is a backfill of its own: ' +
      'finish.eu, finish.us. Name one of them.',
  );
  await expect(backfills.start('varied')).rejects.toThrow(
    'The source of backfill "varied" has partitions in several databases, and depends on the parameters of a run',
  );
});
