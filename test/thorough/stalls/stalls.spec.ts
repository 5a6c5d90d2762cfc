import { setTimeout as sleep } from 'node:timers/promises';
import { MikroORM } from '@mikro-orm/core';
import type { SqlEntityManager } from '@mikro-orm/postgresql';
import { Injectable } from '@nestjs/common';
import { Client } from 'pg';
import { BackfillHealthIndicator, OnBackfill } from 'nestjs-backfill';
import type { BackfillContext, BackfillEvent, BackfillStatus, BackfillThrottle } from 'nestjs-backfill';
import { LockWaitReader } from '../../../lib/stalls/locks/lock-wait.reader.js';
import { BackfillKeys } from '../../../lib/redis/backfill-keys.js';
import { StallStore } from '../../../lib/stalls/stall.store.js';
import { WorkReportStore } from '../../../lib/state/work-report.store.js';
import { createAppBench, defineBackfill, eventually, numbers } from '../../support/apps/index.js';
import type { BackfillApp, NumberRange } from '../../support/apps/index.js';

const bench = await createAppBench();
const UNPACED = { batchSize: 1, concurrency: 1, perSecondOnPeak: null, perSecondOffPeak: null };
const options = { stalledAfter: 1_000 };
const heard: BackfillEvent[] = [];

@Injectable()
class Listener {
  @OnBackfill(['stalled', 'stallEnded'])
  onStall(event: BackfillEvent): void {
    heard.push(event);
  }
}

beforeEach(() => bench.fillItems([1, 2, 3]));
afterEach(() => heard.splice(0));

const stalled = ({ backfills }: BackfillApp): Promise<BackfillStatus> =>
  eventually(
    'the run to be stalled',
    () => backfills.status('work'),
    (status) => status.stalled !== null,
  );

const progressed = ({ backfills }: BackfillApp): Promise<BackfillStatus> =>
  eventually(
    'the stall to be over',
    () => backfills.status('work'),
    (status) => status.stalled === null,
  );

const eventsOf = async ({ backfills }: BackfillApp): Promise<string[]> => {
  const entries = await backfills.history('work', { types: ['stalled', 'stallEnded'] });
  return entries.map(({ type }) => type).toReversed();
};

/** Touches the row of the range, in the connection that the handler is given. */
const touch = defineBackfill<NumberRange>({
  name: 'work',
  source: numbers(3),
  config: UNPACED,
  processRange: async ({ low }, { em }) => {
    await (em as SqlEntityManager).execute(`update items set touches = touches + 1 where id = ?`, [low]);
  },
});

it('waits for a lock: which, by whom it is held; two processes notice it, one event tells it, and its end', async () => {
  const app = await bench.start({ handlers: [touch, Listener], options });
  const second = await bench.start({ handlers: [touch], options });
  const other = new Client({ connectionString: bench.database.url, application_name: 'night shift' });
  await other.connect();
  try {
    await other.query(`begin; update items set state = 'secret 4711' where id = 2`);
    const [session] = (await other.query<{ pid: number }>('select pg_backend_pid() as pid')).rows;
    const pid = session?.pid ?? 0;
    await app.backfills.start('work');
    const status = await stalled(app);
    expect(status.stalled?.waitingFor).toMatchObject({
      kind: 'lock',
      notes: [],
      details: {
        relation: 'items',
        lock: 'row',
        query: 'update items set touches = touches + ? where id = ?',
        blockedBy: [{ pid, application: 'night shift', state: 'idle in transaction', waitsFor: [] }],
      },
    });
    expect(status.stalled?.waitingFor.reason).toMatch(
      new RegExp(
        `^a row lock on items for \\d+ s, held by session ${pid} \\(night shift\\), idle in transaction`,
      ),
    );
    expect(JSON.stringify(status)).not.toContain('4711');
    expect(status).toMatchObject({ state: 'running', done: 2, eta: null });

    const indicator = app.app.get(BackfillHealthIndicator, { strict: false });
    const health = await indicator.isHealthy('backfills');
    expect(health['backfills']).toMatchObject({
      status: 'up',
      backfills: { work: { stalled: expect.stringContaining('a row lock on items') as string } },
    });
    const strict = await indicator.isHealthy('backfills', { stalledAreDown: true });
    expect(strict['backfills']).toMatchObject({ status: 'down', unhealthy: ['work'] });

    // The other process supervises it, too.
    await sleep(1_500);
    expect((await progressedAfter(app, () => other.query('rollback'))).stalled).toBeNull();
    await app.finished('work');
    expect(await eventsOf(app)).toEqual(['stalled']);
    expect(heard.map(({ type }) => type)).toEqual(['stalled']);
    expect(second.logs.having('stalled, waiting for a row lock on items')).not.toEqual([]);
  } finally {
    await other.end();
  }
});

async function progressedAfter(app: BackfillApp, act: () => Promise<unknown>): Promise<BackfillStatus> {
  await act();
  return progressed(app);
}

it('waits for a connection of a pool that the app uses up', async () => {
  const app = await bench.start({ handlers: [touch, Listener], options, poolSize: 1 });
  const em = app.app.get(MikroORM, { strict: false }).em.fork() as SqlEntityManager;
  await em.begin();
  await em.execute('select 1');
  await app.backfills.start('work');
  const { stalled: stall } = await stalled(app);
  expect(stall?.waitingFor).toMatchObject({
    kind: 'pool',
    details: { context: 'default', size: 1, inUse: 1, ofLibrary: 0, waiting: expect.any(Number) as number },
  });
  expect(stall?.waitingFor.reason).toContain('all 1 are in use, 0 of them by backfills');
  // No session of the run waits for a lock, as it has none.
  expect(stall?.waitingFor.notes).toEqual([]);
  await em.rollback();
  await app.finished('work');
});

it.each(['lock', 'pool'])(
  'a run is not said to wait for the %s of another run of its process',
  async (kind) => {
    let open = (): void => undefined;
    const gate = new Promise<void>((resolve) => (open = resolve));
    const gated = defineBackfill<NumberRange>({
      name: 'gated',
      source: numbers(3),
      config: UNPACED,
      processRange: ({ low }) => (low === 2 ? gate : undefined),
    });
    const app = await bench.start({ handlers: [touch, gated], options, poolSize: kind === 'pool' ? 1 : 5 });
    const { backfills } = app;
    const em = app.app.get(MikroORM, { strict: false }).em.fork() as SqlEntityManager;
    if (kind === 'pool') {
      await backfills.start('gated');
    }
    await em.begin();
    try {
      await em.execute('select 1 from items where id = 2 for update');
      await Promise.all([backfills.start('work'), kind === 'lock' && backfills.start('gated')]);
      const causes = await eventually(
        'what both wait for',
        async () => (await backfills.list()).map(({ stalled: stall }) => stall?.waitingFor.kind),
        (kinds) => kinds.every((each) => each !== undefined && each !== 'unknown'),
      );
      expect(causes).toEqual(['handler', kind]);
    } finally {
      open();
      await em.rollback();
    }
    await Promise.all([app.finished('work'), app.finished('gated')]);
  },
);

it('locks that take long to read keep no connection, as the server ends the statement', async () => {
  const name = new URL(bench.database.url).pathname.slice(1);
  await bench.database.query(`
    create schema slow;
    create function slow.locks() returns setof pg_catalog.pg_locks language plpgsql as
      'begin perform pg_sleep(600); return query select * from pg_catalog.pg_locks; end';
    create view slow.pg_locks as select * from slow.locks();
    alter database "${name}" set search_path = slow, pg_catalog, public`);
  const { app } = await bench.start({ poolSize: 1 });
  const em = app.get(MikroORM, { strict: false }).em.fork() as SqlEntityManager;
  const reading = await app.get(LockWaitReader, { strict: false }).read(null);
  expect(reading).toMatchObject({ waits: [], problem: expect.stringContaining('cannot be read') as string });
  // Waits for the one connection of the pool.
  const [session] = await em.execute<{ limit: string }[]>(
    `select current_setting('statement_timeout') as limit, current_setting('search_path') as path`,
  );
  expect(session).toEqual({ limit: '0', path: 'slow, pg_catalog, public' });
  await bench.database.query(`alter database "${name}" reset search_path; drop schema slow cascade`);
});

it('waits for a handler that ignores its signal, which it has since a pause; something is done again, once', async () => {
  let open = (): void => undefined;
  const gate = new Promise<void>((resolve) => (open = resolve));
  let isStuck = false;
  let calls = 0;
  const stubborn = defineBackfill({
    name: 'work',
    source: numbers(200),
    config: { ...UNPACED, perSecondOffPeak: 20, perSecondOnPeak: 20 },
    processRange: async () => {
      calls++;
      if (calls === 3) {
        isStuck = true;
        await gate;
      }
    },
  });
  const app = await bench.start({
    handlers: [stubborn, Listener],
    options: { ...options, shutdownTimeout: 60_000 },
  });
  await app.backfills.start('work');
  await eventually(
    'the handler to be called',
    () => isStuck,
    (stuck) => stuck,
  );
  await app.backfills.pause('work');
  await app.backfills.resume('work');
  const { stalled: stall } = await stalled(app);
  expect(stall?.waitingFor).toMatchObject({
    kind: 'handler',
    details: { ignoresSignal: true, ranges: [{ index: 2, abortedAt: expect.any(String) as string }] },
  });
  open();
  await progressed(app);
  await eventually(
    'the end',
    () => eventsOf(app),
    (types) => types.length === 2,
  );
  expect(await eventsOf(app)).toEqual(['stalled', 'stallEnded']);
  expect(heard.map(({ type }) => type)).toEqual(['stalled', 'stallEnded']);
  await app.backfills.cancel('work');
});

it('is not stalled while something holds it, it is slow, or it waits for retries', async () => {
  const slow = { perSecondOnPeak: 1 / 60, perSecondOffPeak: 1 / 60 };
  const full: BackfillThrottle = { name: 'lag', measure: () => ({ pressure: 1, reason: 'lag 48 s' }) };
  const failing = (): never => {
    throw new Error('not yet');
  };
  const sleepLong = (_: unknown, { signal }: BackfillContext) => sleep(60_000, undefined, { signal });
  const define = (name: string, config: object, extra: object = {}) =>
    defineBackfill({
      name,
      source: numbers(10),
      config: { ...UNPACED, ...config },
      processRange: () => {},
      ...extra,
    });
  const app = await bench.start({
    options,
    handlers: [
      define('slow', slow),
      define('zero', { perSecondOnPeak: 0, perSecondOffPeak: 0 }),
      define('throttled', { perSecondOnPeak: 1, perSecondOffPeak: 1 }, { throttles: [full] }),
      define('retried', { backoffMs: 60_000 }, { processRange: failing, source: numbers(3) }),
      define('paused', slow),
      define('long', {}, { processRange: sleepLong }),
    ],
  });
  const names = ['slow', 'zero', 'throttled', 'retried', 'paused', 'long'];
  await Promise.all(names.map((name) => app.backfills.start(name)));
  await app.backfills.pause('paused');
  await sleep(4_000);
  const statuses = await app.backfills.list();
  expect(statuses.map(({ name, state, stalled: stall }) => [name, state, stall])).toEqual(
    names.toSorted().map((name) => [name, name === 'paused' ? 'paused' : 'running', null]),
  );
  const histories = await Promise.all(
    names.map((name) => app.backfills.history(name, { types: ['stalled'] })),
  );
  expect(histories.flat()).toEqual([]);
  await Promise.all(names.map((name) => app.backfills.cancel(name)));
});

it('a process that shuts down is not reported as blocked while its last ranges end', async () => {
  let open = (): void => undefined;
  const gate = new Promise<void>((resolve) => (open = resolve));
  let signal: AbortSignal | undefined;
  const slow = defineBackfill({
    name: 'work',
    source: numbers(1),
    config: UNPACED,
    processRange: async (_, context) => {
      ({ signal } = context);
      await gate;
    },
  });
  const shutdown = { ...options, shutdownTimeout: 20_000 };
  const app = await bench.start({ handlers: [slow], options: shutdown });
  const { app: other } = await bench.start({ handlers: [slow], options: { ...options, workers: false } });
  const store = other.get(WorkReportStore, { strict: false });
  const { runId } = await app.backfills.start('work');
  const reports = () => store.read(runId);
  const called = async () => (signal ? (await reports()).size : 0);
  await eventually('the handler to be called', called, (count) => count === 1);
  const closed = app.close();
  await eventually('no report', reports, ({ size }) => size === 0);
  expect(signal?.aborted).toBe(false);
  open();
  await closed;
});

it('a connection that is younger than a report is that of another process', async () => {
  const { app } = await bench.start({ handlers: [touch] });
  const store = app.get(WorkReportStore, { strict: false });
  const id = (await store.connection()) ?? 0;
  expect([await store.isConnected(id, 0), await store.isConnected(id, 3_600_000)]).toEqual([true, false]);
  expect(await store.isConnected(id + 1_000_000, 0)).toBe(false);
});

it('a run that was started or resumed meanwhile is not recorded as stalled', async () => {
  const { app, backfills } = await bench.start({ handlers: [touch] });
  const idle = { perSecondOnPeak: 0, perSecondOffPeak: 0 };
  const { runId } = await backfills.start('work', { config: idle });
  const waitingFor = { kind: 'unknown' as const, reason: 'something unknown', notes: [], details: {} };
  await app.get(StallStore, { strict: false }).begin(runId, { since: 1, waitingFor });
  expect(await backfills.history('work', { types: ['stalled'] })).toEqual([]);
});

it('the reports of processes that died long ago are removed by the next worker', async () => {
  const { app, backfills } = await bench.start({ handlers: [touch] });
  const { runId } = await backfills.start('work', { config: { perSecondOnPeak: 0, perSecondOffPeak: 0 } });
  const store = app.get(WorkReportStore, { strict: false });
  const key = app.get(BackfillKeys, { strict: false }).workReports(runId);
  const reports = () => store.read(runId);
  const own = await eventually('a report', reports, ({ size }) => size === 1);
  const [report] = own.values();
  const dead = (hours: number) => JSON.stringify({ ...report, at: (report?.at ?? 0) - hours * 3_600_000 });
  await bench.redis.client.hset(key, { long: dead(2), lately: dead(0.5) });
  await backfills.pause('work');
  await eventually('no report of its own', reports, ({ size }) => size === 2);
  await backfills.resume('work');
  await eventually('another one', reports, (found) => found.size === 2 && !found.has('long'));
  expect((await reports()).has('lately')).toBe(true);
});

it('the locks are read with MikroORM 6, too, the connection of which tells the database', async () => {
  const { app } = await bench.start({ handlers: [touch] });
  const orm = app.get(MikroORM, { strict: false });
  Object.assign(orm.em.getPlatform(), { getDefaultClientUrl: undefined });
  Object.assign(orm.em.getConnection('write'), { getDefaultClientUrl: () => 'postgresql://localhost' });
  const reader = app.get(LockWaitReader, { strict: false });
  expect(await reader.read(null)).toEqual({ waits: [], areOwn: true, problem: null });
});
