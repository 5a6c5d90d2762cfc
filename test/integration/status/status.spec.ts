import { BackfillKeys } from '../../../lib/redis/backfill-keys.js';
import { RedisConnections } from '../../../lib/redis/redis-connections.js';
import {
  createAppBench,
  defineBackfill,
  eventually,
  numbers,
  type NumberRange,
} from '../../support/apps/index.js';

const bench = await createAppBench();
const rate = (perSecond: number | null) => ({ perSecondOnPeak: perSecond, perSecondOffPeak: perSecond });

function steady(config = {}) {
  return defineBackfill<NumberRange>({
    name: 'steady',
    description: 'does little',
    version: '2',
    source: numbers(1000),
    config: { batchSize: 10, ...rate(20), ...config },
    processRange: ({ low, high }) => high - low + 1,
  });
}

/** Objects that are the same in both, at whatever depth. */
function sharedParts(one: unknown, other: unknown): object[] {
  if (typeof one !== 'object' || typeof other !== 'object' || one === null || other === null) {
    return [];
  }
  const parts = Object.keys(one).flatMap((key) =>
    sharedParts(Reflect.get(one, key), Reflect.get(other, key)),
  );
  return one === other ? [one, ...parts] : parts;
}

describe('status', () => {
  it('before the first run is idle', async () => {
    const { backfills } = await bench.start({ handlers: [steady()] });
    expect(await backfills.status('steady')).toMatchObject({
      name: 'steady',
      description: 'does little',
      state: 'idle',
      stateReason: null,
      runId: null,
      dryRun: false,
      planned: 0,
      done: 0,
      outstanding: 0,
      failed: 0,
      rowsDone: 0,
      rowsFailed: 0,
      rowsTotal: null,
      rowsTotalKind: null,
      percent: 0,
      rangesPerSecond: 0,
      rowsPerSecond: 0,
      eta: null,
      rate: { perSecond: 0, reason: 'idle' },
      workers: 0,
      warnings: [],
      cursor: null,
      startedAt: null,
      finishedAt: null,
      startedBy: null,
      reason: null,
      lastError: null,
    });
    expect(await backfills.runs('steady')).toEqual([]);
    expect(await backfills.failures('steady')).toEqual({ items: [], next: null });
  });

  it('of a running run says how far it is, how fast, and until when', async () => {
    const { backfills } = await bench.start({ handlers: [steady()] });
    const { runId } = await backfills.start('steady', { startedBy: 'ada', reason: 'why not' });
    const status = await eventually(
      'some samples',
      () => backfills.status('steady'),
      ({ rangesPerSecond }) => rangesPerSecond > 0,
    );
    expect(status).toMatchObject({
      state: 'running',
      runId,
      planned: 100,
      failed: 0,
      rowsFailed: 0,
      rowsTotal: 1000,
      rowsTotalKind: 'exact',
      rate: { perSecond: 20, reason: 'all hours' },
      workers: 1,
      warnings: [],
      cursor: 0,
      finishedAt: null,
      startedBy: 'ada',
      reason: 'why not',
      lastError: null,
    });
    expect(status.done + status.outstanding).toBe(100);
    expect(status.rowsDone).toBe(status.done * 10);
    expect(status.percent).toBe(status.done);
    expect(status.rowsPerSecond).toBeCloseTo(status.rangesPerSecond * 10, 0);
    expect(status.rangesPerSecond).toBeLessThan(25);
    const left = Date.parse(status.eta ?? '') - Date.now();
    expect(left).toBeGreaterThan(0);
    // By what was measured, which is less than the rate where the machine is busy.
    expect(left).toBeLessThan((100 / Math.min(20, status.rangesPerSecond)) * 1.5 * 1000 + 5_000);
    await backfills.cancel('steady');
  });

  it('of a run that is over stays', async () => {
    const { backfills, finished } = await bench.start({ handlers: [steady(rate(null))] });
    await backfills.start('steady');
    expect(await finished('steady')).toMatchObject({
      state: 'completed',
      planned: 100,
      done: 100,
      outstanding: 0,
      rowsDone: 1000,
      percent: 100,
      eta: null,
      rate: { perSecond: 0, reason: 'completed' },
      warnings: [],
      finishedAt: expect.stringMatching(/^\d{4}-.*Z$/),
    });
    const [run] = await backfills.runs('steady');
    expect(run).toMatchObject({ status: 'completed', version: '2', planned: 100, done: 100, failures: 0 });
    expect(await backfills.run('steady', run?.id ?? '')).toEqual(run);
    await expect(backfills.run('steady', 'nope')).rejects.toThrow('Backfill "steady" has no run "nope"');
  });

  it('of a running run without workers says so', async () => {
    const { backfills } = await bench.start({ handlers: [steady()], options: { workers: false } });
    await backfills.start('steady');
    // Workers that are starting are not missing yet.
    expect(await backfills.status('steady')).toMatchObject({ state: 'running', workers: 0, warnings: [] });
    const status = await eventually(
      'the warning',
      () => backfills.status('steady'),
      ({ warnings }) => warnings.length > 0,
    );
    expect(status).toMatchObject({
      state: 'running',
      workers: 0,
      done: 0,
      warnings: [expect.stringContaining('No process has workers')],
    });
  });

  it('says why nothing starts: held, paused', async () => {
    const { backfills } = await bench.start({ handlers: [steady(rate(0))] });
    await backfills.start('steady');
    expect(await backfills.status('steady')).toMatchObject({
      rate: { perSecond: 0, reason: 'held' },
      eta: null,
    });
    await backfills.pause('steady');
    expect(await backfills.status('steady')).toMatchObject({
      rate: { perSecond: 0, reason: 'paused' },
      eta: null,
    });
  });

  it('says whether it is on peak, and an ETA that waits for the next hours', async () => {
    const always = { onPeakWdayBegin: 0, onPeakWdayEnd: 6, onPeakHourBegin: 0, onPeakHourEnd: 23 };
    const hour = new Date().getUTCHours();
    const { backfills } = await bench.start({ handlers: [steady()] });
    await backfills.start('steady', { config: { ...always, perSecondOnPeak: 0.1, perSecondOffPeak: 50 } });
    expect((await backfills.status('steady')).rate).toEqual({ perSecond: 0.1, reason: 'on peak' });
    await backfills.configure('steady', {
      perSecondOnPeak: 0,
      onPeakHourBegin: hour,
      onPeakHourEnd: (hour + 1) % 24,
    });
    const { rate: now, eta } = await backfills.status('steady');
    expect(now).toEqual({ perSecond: 0, reason: 'held' });
    const boundary = new Date();
    boundary.setUTCHours(hour + 2, 0, 0, 0);
    expect(Date.parse(eta ?? '')).toBeGreaterThanOrEqual(boundary.getTime());
    expect(Date.parse(eta ?? '')).toBeLessThan(boundary.getTime() + 10_000);
  });

  it('of a run that another version of the handler started says so', async () => {
    const before = await bench.start({ handlers: [steady(rate(0))] });
    await before.backfills.start('steady');
    await before.close();
    const next = defineBackfill({
      name: 'steady',
      version: '3',
      source: numbers(1000),
      processRange: () => undefined,
    });
    const { backfills } = await bench.start({ handlers: [next] });
    expect((await backfills.status('steady')).warnings).toContain(
      'The run was started with version 2 of the handler; this process has 3.',
    );
  });

  it('lists every backfill by name', async () => {
    const other = defineBackfill({ name: 'another', source: numbers(5), processRange: () => undefined });
    const { backfills } = await bench.start({ handlers: [steady(), other] });
    expect((await backfills.list()).map(({ name, state }) => [name, state])).toEqual([
      ['another', 'idle'],
      ['steady', 'idle'],
    ]);
  });

  it('shares nothing with an earlier one that its reader could change', async () => {
    const idle = defineBackfill({ name: 'idle', source: numbers(5), processRange: () => undefined });
    const { app, backfills } = await bench.start({ handlers: [steady(rate(0)), idle] });
    const { runId } = await backfills.start('steady');
    const { client } = app.get(RedisConnections, { strict: false });
    const run = app.get(BackfillKeys, { strict: false }).run(runId);
    await backfills.pause('steady');
    const lastError = {
      name: 'Error',
      message: 'no rows',
      at: '2030-01-01T00:00:00.000Z',
      cause: { code: 7 },
    };
    await client.hset(run, {
      paramsShown: '{"tenants":[{"id":1}]}',
      lastError: JSON.stringify(lastError),
      'cursor:': '[[1],{"at":2}]',
      forecast: '{"rows":{"total":1}}',
    });
    const [first, second] = [await backfills.list(), await backfills.list()];
    const shared = sharedParts(first, second);
    expect(shared).toEqual(expect.arrayContaining([{ id: 1 }, { code: 7 }, { at: 2 }, { total: 1 }]));
    expect(shared.filter((part) => !Object.isFrozen(part))).toEqual([]);

    await client.hset(run, 'paramsShown', '{"tenants":[{"id":2}]}');
    expect((await backfills.status('steady')).params).toEqual({ tenants: [{ id: 2 }] });
  });

  it('before the first run has what Redis knows of the backfill', async () => {
    const { app, backfills } = await bench.start({ handlers: [steady()] });
    const { client } = app.get(RedisConnections, { strict: false });
    const keys = app.get(BackfillKeys, { strict: false });
    const until = Date.now() + 60_000;
    await client.hset(keys.workers('steady'), 'another process', Date.now());
    expect(await backfills.status('steady')).toMatchObject({ state: 'idle', workers: 1, overrides: [] });
    await client.del(keys.workers('steady'));
    await client.hset(
      keys.overrides('steady'),
      'heap',
      JSON.stringify({ throttle: 'heap', factor: 2, until }),
    );
    expect(await backfills.status('steady')).toMatchObject({
      state: 'idle',
      workers: 0,
      overrides: [{ throttle: 'heap', factor: 2 }],
    });
  });
});
