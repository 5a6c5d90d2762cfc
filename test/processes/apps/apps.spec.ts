import { setTimeout as sleep } from 'node:timers/promises';
import { createAppBench, defineBackfill, eventually, numbers } from '../../support/apps/index.js';
import { startAppProcess, type AppProcess, type ProcessSettings } from './app-process.js';

const bench = await createAppBench();
await bench.database.query('CREATE TABLE done (id int, pid int)');

const running: AppProcess[] = [];
afterEach(async () => {
  for (const child of running) {
    child.signal('SIGKILL');
  }
  await Promise.all(running.splice(0).map(({ gone }) => gone));
  await bench.database.query('TRUNCATE done');
});

async function launch(settings: Partial<ProcessSettings>): Promise<AppProcess> {
  const { database, redis } = bench;
  const child = await startAppProcess({
    database,
    redis,
    ranges: 100,
    rangeMs: 1,
    ...settings,
    options: { keyPrefix: bench.keyPrefix(), ...settings.options },
  });
  running.push(child);
  return child;
}

/** The app of this process, which has no workers. */
async function control(ranges: number) {
  const work = defineBackfill({ name: 'work', source: numbers(ranges), processRange: () => undefined });
  return bench.start({ handlers: [work], options: { workers: false } });
}

async function done(): Promise<{ id: number; pid: number }[]> {
  return bench.database.query('SELECT id, pid FROM done ORDER BY id');
}

const rate = (perSecond: number | null) => ({
  batchSize: 1,
  perSecondOnPeak: perSecond,
  perSecondOffPeak: perSecond,
});

describe('two processes with workers and one without', () => {
  it('do every range once, at the rate of one', async () => {
    const { backfills, finished } = await control(120);
    const workers = await Promise.all([
      launch({ ranges: 120, rangeMs: 20 }),
      launch({ ranges: 120, rangeMs: 20 }),
    ]);
    await backfills.start('work', { config: rate(40) });
    await eventually(
      'both to be known',
      () => backfills.status('work'),
      ({ workers: known }) => known === 2,
    );
    expect(await finished('work')).toMatchObject({
      state: 'completed',
      planned: 120,
      done: 120,
      rowsDone: 120,
    });
    const rows = await done();
    expect(rows.map(({ id }) => id)).toEqual(Array.from({ length: 120 }, (_, i) => i + 1));
    expect(new Set(rows.map(({ pid }) => pid)).size).toBe(2);
    const starts = workers
      .flatMap(({ lines }) => lines.flatMap(({ at }) => (at === undefined ? [] : [at])))
      .toSorted((a, b) => a - b);
    const seconds = ((starts.at(-1) ?? 0) - (starts[0] ?? 0)) / 1000;
    expect(119 / seconds).toBeLessThan(40 * 1.05);
  });

  it('all see a pause: nothing starts after it, handlers are told, and resume goes on', async () => {
    const { backfills, finished } = await control(16);
    const workers = await Promise.all([
      launch({ ranges: 16, rangeMs: 3000 }),
      launch({ ranges: 16, rangeMs: 3000 }),
    ]);
    const began = () => workers.map((worker) => worker.began().length);
    const aborted = () =>
      workers.reduce((sum, { lines }) => sum + lines.filter((line) => line.aborted !== undefined).length, 0);
    await backfills.start('work', { config: { ...rate(null), concurrency: 4 } });
    await eventually('eight in flight', began, (counts) => counts.every((count) => count === 4));
    await backfills.pause('work');
    await eventually('eight to be told', aborted, (count) => count === 8);
    const before = began();
    await sleep(1500);
    expect(began()).toEqual(before);
    expect(await done()).toEqual([]);
    expect(await backfills.status('work')).toMatchObject({ state: 'paused', done: 0, failed: 0 });
    await backfills.resume('work');
    expect(await finished('work')).toMatchObject({ state: 'completed', done: 16 });
    expect((await done()).map(({ id }) => id)).toEqual(Array.from({ length: 16 }, (_, i) => i + 1));
  });
});

describe('SIGTERM', () => {
  const stored = async () => {
    const clients = String(await bench.redis.client.client('LIST')).split('\n');
    return clients.filter((line) => line.includes(` db=${bench.redis.connection.db} `)).length;
  };

  it('lets handlers finish, hands the rest back, and the process ends by itself', async () => {
    const { backfills, finished } = await control(30);
    const own = await stored();
    const first = await launch({ ranges: 30, rangeMs: 400 });
    await backfills.start('work', { config: rate(null) });
    await eventually(
      'four in flight',
      () => first.began().length,
      (count) => count >= 4,
    );
    first.signal('SIGTERM');
    expect(await first.gone).toEqual([0, null]);
    const finishedThere = (await done()).length;
    expect(finishedThere).toBe(first.began().length);
    expect(first.lines.filter(({ aborted }) => aborted !== undefined)).toEqual([]);
    expect(await backfills.status('work')).toMatchObject({
      state: 'running',
      workers: 0,
      done: finishedThere,
      outstanding: 30 - finishedThere,
      failed: 0,
    });
    await eventually('its connections to be gone', stored, (count) => count <= own);

    await launch({ ranges: 30, rangeMs: 1 });
    expect(await finished('work')).toMatchObject({ state: 'completed', done: 30 });
    expect((await done()).map(({ id }) => id)).toEqual(Array.from({ length: 30 }, (_, i) => i + 1));
  });

  it.each([
    ['tells handlers that take too long', false],
    ['does not wait for handlers that ignore their signal', true],
  ])('%s, and their ranges are handed back untried', async (_, stubborn) => {
    const { backfills, finished } = await control(8);
    const first = await launch({ ranges: 8, rangeMs: 60_000, stubborn, options: { shutdownTimeout: 300 } });
    await backfills.start('work', { config: rate(null) });
    await eventually(
      'four in flight',
      () => first.began().length,
      (count) => count === 4,
    );
    first.signal('SIGTERM');
    expect(await first.gone).toEqual([0, null]);
    const told = first.lines.filter(({ aborted }) => aborted !== undefined);
    expect(told.map(({ reason }) => reason)).toEqual(
      stubborn ? [] : Array.from({ length: 4 }, () => 'Error: The process shuts down'),
    );
    expect(await backfills.status('work')).toMatchObject({
      state: 'running',
      done: 0,
      outstanding: 8,
      failed: 0,
    });
    await launch({ ranges: 8, rangeMs: 1 });
    expect(await finished('work')).toMatchObject({
      state: 'completed',
      done: 8,
      failed: 0,
      lastError: null,
    });
  });
});
