import { setTimeout as sleep } from 'node:timers/promises';
import { jest } from '@jest/globals';
import { RunRestorer } from '../../../lib/ledger/run.restorer.js';
import {
  createLedgerBench,
  defineBackfill,
  eventually,
  numbers,
  type NumberRange,
  type NumberRow,
} from '../../support/apps/index.js';

const bench = await createLedgerBench();
const NAME = 'walk';
const WINDOW = 50;
const BATCH = 10;
const CONCURRENCY = 2;

/** A backfill over 1..count that counts how often it was given each number. */
function counting(count: number, options: { ms?: number; config?: object; bad?: ReadonlySet<number> } = {}) {
  const { ms = 5, config = {}, bad = new Set<number>() } = options;
  const seen = new Map<number, number>();
  const handler = defineBackfill<NumberRange, NumberRow>({
    name: NAME,
    source: numbers(count),
    config: {
      batchSize: BATCH,
      concurrency: CONCURRENCY,
      maxOutstanding: WINDOW,
      attempts: 1,
      perSecondOnPeak: 200,
      perSecondOffPeak: 200,
      ...config,
    },
    processBatch: async (rows) => {
      await sleep(ms);
      for (const { id } of rows) {
        seen.set(id, (seen.get(id) ?? 0) + 1);
      }
      const failing = rows.find(({ id }) => bad.has(id));
      if (failing) {
        throw new Error(`number ${failing.id} is bad`);
      }
    },
  });
  const repeated = () => [...seen.values()].reduce((sum, times) => sum + times - 1, 0);
  return { handler, seen, repeated };
}

it('a run continues by itself after Redis lost everything, and counts each range once', async () => {
  const { handler, seen, repeated } = counting(4000);
  const { backfills, finished, logs, newest } = await bench.start({ handlers: [handler] });
  const { runId } = await backfills.start(NAME, { startedBy: 'ada', reason: 'ticket 9' });
  // The age of a checkpoint depends on the machine; that it keeps up with the window does not.
  const saved = await eventually(
    'a checkpoint within the window',
    async () => {
      const [row] = await bench.database.query<{ rows: string }>(
        'SELECT rows_done AS rows FROM backfill_runs WHERE id = $1',
        [runId],
      );
      return Number(row?.rows);
    },
    (rows) => rows > 0 && seen.size >= 1000 && seen.size - rows <= WINDOW * BATCH,
  );
  await bench.loseRedis();
  const handled = seen.size;
  await eventually(
    'the run to be back',
    () => backfills.status(NAME),
    ({ state }) => state === 'running',
  );
  const end = await finished(NAME);
  expect(end).toMatchObject({
    state: 'completed',
    runId,
    planned: 400,
    done: 400,
    failed: 0,
    outstanding: 0,
    rowsDone: 4000,
    rowsFailed: 0,
    percent: 100,
    startedBy: 'ada',
    reason: 'ticket 9',
  });
  expect(seen.size).toBe(4000);
  expect(repeated()).toBeLessThanOrEqual(handled - saved + CONCURRENCY * BATCH);
  expect(logs.having('was lost by Redis and is restored from the ledger')).toHaveLength(1);
  expect(await newest(NAME)).toMatchObject({ id: runId, status: 'completed' });
});

it('a run continues where Redis loses everything again while runs are restored', async () => {
  const { handler, seen } = counting(2000);
  const { app, backfills } = await bench.start({ handlers: [handler] });
  const { runId } = await backfills.start(NAME);
  await eventually(
    'some of it',
    () => seen.size,
    (size) => size >= 500,
  );
  const restorer = app.get(RunRestorer, { strict: false });
  const restoreAll = restorer.restoreAll.bind(restorer);
  const again = jest.spyOn(restorer, 'restoreAll').mockImplementationOnce(async () => {
    const restored = await restoreAll();
    await bench.loseRedis();
    return restored;
  });
  await bench.loseRedis();
  await eventually(
    'a second loss',
    () => again.mock.calls.length,
    (calls) => calls > 0,
  );
  const end = await eventually(
    'the run to be over',
    () => backfills.status(NAME),
    ({ state }) => state === 'completed',
  );
  expect(end).toMatchObject({ runId, rowsDone: 2000 });
  expect(seen.size).toBe(2000);
});

it('a paused run stays paused, with its config, and continues when it is resumed', async () => {
  const { handler, seen, repeated } = counting(1000);
  const { backfills, finished, newest } = await bench.start({ handlers: [handler] });
  const finishBy = new Date(Date.now() + 3_600_000).toISOString();
  const { runId } = await backfills.start(NAME, { finishBy });
  await eventually(
    'some of it',
    () => seen.size,
    (size) => size >= 300,
  );
  await backfills.configure(NAME, { batchSize: 7 }, { by: 'bob' });
  await backfills.configureBudget({ concurrency: 900, callsPerSecond: { directory: 20 } });
  await backfills.configureBudget({ concurrency: 800, perTable: null });
  await backfills.pause(NAME, { by: 'bob', reason: 'lunch' });
  const before = await eventually(
    'the handlers to end',
    () => backfills.status(NAME),
    ({ rowsDone }) => rowsDone === seen.size,
  );
  await bench.loseRedis();
  const after = await eventually(
    'the run to be back',
    () => backfills.status(NAME),
    ({ state }) => state !== 'idle',
  );
  expect(after).toMatchObject({ state: 'paused', stateReason: 'lunch', runId, finishBy });
  expect(await newest(NAME)).toMatchObject({ id: runId, finishBy });
  expect(after.planned).toBeLessThanOrEqual(before.planned);
  expect(await backfills.config(NAME)).toMatchObject({ patch: { batchSize: 7 }, version: '1' });
  expect(await backfills.budget()).toMatchObject({
    patch: { concurrency: 800, callsPerSecond: { directory: 20 }, perTable: null },
    version: '2',
  });
  const handled = seen.size;
  await sleep(1500);
  expect(seen.size).toBe(handled);

  await backfills.resume(NAME);
  expect(await finished(NAME)).toMatchObject({ state: 'completed', rowsDone: 1000, rowsFailed: 0 });
  expect(seen.size).toBe(1000);
  expect(repeated()).toBeLessThanOrEqual(WINDOW * BATCH);
});

it('an action at once after the loss finds the run', async () => {
  // More than is done meanwhile on a busy machine.
  const { handler } = counting(100_000, { ms: 20 });
  const { backfills } = await bench.start({ handlers: [handler] });
  const { runId } = await backfills.start(NAME);
  await bench.loseRedis();
  await expect(backfills.start(NAME)).rejects.toThrow(/cannot be started while its run/);
  await bench.loseRedis();
  await expect(backfills.pause(NAME)).resolves.toMatchObject({ runId, state: 'paused', changed: true });
  await bench.loseRedis();
  await expect(backfills.resume(NAME)).resolves.toMatchObject({ runId, state: 'running', changed: true });
});

it('a restart finds the run, and ten processes at once restore it once', async () => {
  const first = counting(3000);
  const before = await bench.start({ handlers: [first.handler] });
  const { runId } = await before.backfills.start(NAME, { idempotencyKey: 'deploy-1' });
  await eventually(
    'some of it',
    () => first.seen.size,
    (size) => size >= 500,
  );
  await before.close();
  await bench.loseRedis();

  const processes = Array.from({ length: 10 }, () => counting(3000));
  const apps = await Promise.all(processes.map(({ handler }) => bench.start({ handlers: [handler] })));
  const { backfills, finished } = apps[0]!;
  expect(await finished(NAME)).toMatchObject({ state: 'completed', runId, done: 300, rowsDone: 3000 });
  const times = [first, ...processes].flatMap(({ seen }) => Array.from(seen));
  expect(new Set(times.map(([id]) => id)).size).toBe(3000);
  expect(times.reduce((sum, [, count]) => sum + count, 0) - 3000).toBeLessThanOrEqual(WINDOW * BATCH);
  expect(apps.flatMap(({ logs }) => logs.having('is restored from the ledger'))).toHaveLength(1);
  expect(await backfills.runs(NAME)).toHaveLength(1);
  await expect(backfills.start(NAME, { idempotencyKey: 'deploy-1' })).resolves.toMatchObject({
    runId,
    changed: false,
  });
});

it('failures come back with their run, and a retry of them is not undone by the next loss', async () => {
  const bad = new Set([17, 450, 451, 800]);
  const { handler, seen } = counting(1000, { bad });
  const { backfills, finished } = await bench.start({ handlers: [handler] });
  await backfills.start(NAME);
  await finished(NAME);
  const before = await backfills.failures(NAME);
  await eventually(
    'the end to be kept',
    () => ledgerStatus(),
    (status) => status === 'failed',
  );
  await bench.loseRedis();
  await eventually(
    'the run to be back',
    () => backfills.status(NAME),
    ({ state }) => state === 'failed',
  );
  expect(await backfills.failures(NAME)).toEqual(before);
  expect(before.items.map(({ key }) => Number(key)).toSorted((a, b) => a - b)).toEqual([17, 450, 451, 800]);

  bad.clear();
  bad.add(451);
  seen.clear();
  await backfills.retryFailures(NAME, { by: 'ada' });
  await finished(NAME);
  await eventually(
    'the end to be kept',
    () => ledgerStatus(),
    (status) => status === 'failed',
  );
  await bench.loseRedis();
  const end = await eventually(
    'the run to be back',
    () => backfills.status(NAME),
    ({ state }) => state === 'failed',
  );
  expect(end).toMatchObject({ rowsDone: 999, rowsFailed: 1 });
  expect((await backfills.failures(NAME)).items).toMatchObject([{ key: 451 }]);
  expect([...seen.keys()].toSorted((a, b) => a - b)).toEqual([17, 450, 451, 800]);
});

async function ledgerStatus(): Promise<string | undefined> {
  const [row] = await bench.database.query<{ status: string }>(
    'SELECT status FROM backfill_runs ORDER BY started_at DESC LIMIT 1',
  );
  return row?.status;
}
