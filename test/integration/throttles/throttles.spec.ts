import { MikroORM } from '@mikro-orm/postgresql';
import { Queue } from 'bullmq';
import { Client } from 'pg';
import {
  eventLoopLag,
  heapUse,
  postgresConnections,
  postgresLockWait,
  postgresReplicationLag,
  probeLatency,
  queueDepth,
} from 'nestjs-backfill';
import type { BackfillThrottle } from 'nestjs-backfill';
import { BackfillKeys } from '../../../lib/redis/backfill-keys.js';
import { PROCESS_ID } from '../../../lib/redis/process-id.js';
import { BackfillWatchdog } from '../../../lib/supervision/backfill.watchdog.js';
import { createAppBench, defineBackfill, eventually, Item, numbers } from '../../support/apps/index.js';

const bench = await createAppBench();

function counting(
  name: string,
  throttles: readonly BackfillThrottle[],
  perSecond: number | null,
  processRange: () => Promise<void> = async () => undefined,
) {
  return defineBackfill({
    name,
    source: numbers(100_000),
    throttles,
    config: { batchSize: 1, perSecondOnPeak: perSecond, perSecondOffPeak: perSecond },
    processRange,
  });
}

/** A throttle that says what the test wants. */
function dial(onError?: 'failOpen' | 'failClosed') {
  const state = { pressure: 0, fails: false };
  const throttle: BackfillThrottle = {
    name: 'dial',
    ...(onError ? { onError } : {}),
    measure: () => {
      if (state.fails) {
        throw new Error('no reading');
      }
      return { pressure: state.pressure, reason: 'the dial' };
    },
  };
  return { state, throttle };
}

describe('a throttle', () => {
  it('scales the rate continuously, holds at 1, and says so', async () => {
    const { state, throttle } = dial();
    const { backfills } = await bench.start({ handlers: [counting('paced', [throttle], 40)] });
    await backfills.start('paced');
    const rate = (perSecond: number) =>
      eventually(
        `a rate of ${perSecond}`,
        () => backfills.status('paced'),
        (status) => status.rate.perSecond === perSecond,
      );
    expect((await rate(40)).rate.reason).toBe('all hours');
    state.pressure = 0.5;
    expect((await rate(20)).rate.reason).toBe('all hours, slowed to 50 % by the dial');
    state.pressure = 0.75;
    expect((await rate(10)).rate.reason).toBe('all hours, slowed to 25 % by the dial');
    state.pressure = 1;
    expect((await rate(0)).rate.reason).toBe('all hours, held by the dial');
    // A change of the config does not lift it.
    await backfills.configure('paced', { perSecondOnPeak: 25, perSecondOffPeak: 25 });
    expect((await backfills.status('paced')).rate.perSecond).toBe(0);
    state.pressure = 0;
    expect((await rate(25)).rate.reason).toBe('all hours');
  });

  it.each([
    ['quick', async () => undefined],
    // Then those that were claimed together are late one after the other.
    ['slower than the rate that is left', () => new Promise<void>((resolve) => setTimeout(resolve, 8))],
  ])('slows down what is unpaced and %s, of all throttles the one that presses hardest', async (_, work) => {
    const weak = dial();
    const strong = dial();
    const { backfills } = await bench.start({
      handlers: [counting('unpaced', [weak.throttle], null, work)],
      options: { throttles: [strong.throttle] },
    });
    await backfills.start('unpaced');
    await eventually(
      'some ranges',
      () => backfills.status('unpaced'),
      ({ done }) => done > 500,
    );
    weak.state.pressure = 0.1;
    strong.state.pressure = 1;
    const held = await eventually(
      'a hold',
      () => backfills.status('unpaced'),
      ({ rate }) => rate.perSecond === 0,
    );
    await eventually(
      'nothing in flight',
      async () => {
        const before = (await backfills.status('unpaced')).done;
        await new Promise((resolve) => setTimeout(resolve, 300));
        return (await backfills.status('unpaced')).done - before;
      },
      (more) => more === 0,
    );
    strong.state.pressure = 0;
    await eventually(
      'it to go on',
      () => backfills.status('unpaced'),
      ({ done }) => done > held.done + 500,
    );
  });

  it('halves what the workers reach, also where it presses from the first second on', async () => {
    const { state, throttle } = dial();
    state.pressure = 0.5;
    const starts: number[] = [];
    const work = () => {
      starts.push(performance.now());
      return new Promise<void>((resolve) => setTimeout(resolve, 100));
    };
    const { app, backfills } = await bench.start({
      handlers: [counting('unknown', [throttle], null, work)],
    });
    await backfills.configure('unknown', { concurrency: 2 });
    // It is asked once a second from here on, for the first time shortly after the start.
    await new Promise((resolve) => setTimeout(resolve, 600));
    const times = [performance.now()];
    const { runId } = await backfills.start('unknown');
    const { rate } = await eventually(
      'a rate',
      () => backfills.status('unknown'),
      (status) => status.rate.perSecond !== null,
    );
    const key = app.get(BackfillKeys, { strict: false }).run(runId);
    const reached = Number(await bench.redis.client.hget(key, 'pressureBase'));
    expect(rate.perSecond).toBeCloseTo(reached / 2, 3);
    // Two workers that take 100 ms reach 20 a second, or less where the machine is busy: as it was when it was slowest,
    // which may be before its first ranges.
    times.push(...starts);
    const slowest = 2000 / Math.max(...starts.map((start, at) => start - (times[Math.max(0, at - 1)] ?? 0)));
    expect(reached).toBeGreaterThan(0.5 * Math.min(20, slowest));
    expect(reached).toBeLessThan(24);
  });

  it.each(['failOpen', 'failClosed'] as const)(
    'that throws is logged once, counted, and treated as %s says',
    async (onError) => {
      const { state, throttle } = dial(onError);
      state.fails = true;
      const name = onError.toLowerCase();
      const { backfills, logs } = await bench.start({ handlers: [counting(name, [throttle], 50)] });
      await backfills.start(name);
      const status = await eventually(
        'the throttle to have failed twice',
        () => backfills.status(name),
        ({ warnings }) => warnings.some((warning) => /Throttle dial failed ([2-9]|\d\d) times/.test(warning)),
      );
      expect(status.rate.perSecond).toBe(onError === 'failOpen' ? 50 : 0);
      const warnings = logs
        .having('throttle dial failed, treated as')
        .filter((line) => line.startsWith('warn'));
      expect(warnings).toHaveLength(1);
    },
  );

  it('of a process counts wherever it is asked', async () => {
    const { state, throttle } = dial();
    const local: BackfillThrottle = { ...throttle, scope: 'process' };
    const handlers = [counting('local', [local], 40)];
    const [worker] = await Promise.all([
      bench.start({ handlers }),
      bench.start({ handlers, options: { workers: false } }),
    ]);
    state.pressure = 0.5;
    await worker.backfills.start('local');
    await eventually(
      'half of the rate',
      () => worker.backfills.status('local'),
      ({ rate }) => rate.perSecond === 20,
    );
  });
});

describe('a throttle that is asked several times a second', () => {
  /** Counts in which process it was measured. */
  function metered(everyMs: number) {
    const state = { pressure: 0, asked: 0 };
    const throttle: BackfillThrottle = {
      name: 'meter',
      everyMs,
      measure: () => {
        state.asked++;
        return { pressure: state.pressure, reason: 'the meter' };
      },
    };
    return { state, throttle };
  }

  it('changes the rate without the watchdog, which comes once a second', async () => {
    const { state, throttle } = metered(50);
    const { app, backfills } = await bench.start({ handlers: [counting('quick', [throttle], 40)] });
    await backfills.start('quick');
    await eventually(
      'a first measurement',
      async () => state.asked,
      (asked) => asked > 0,
    );
    await app.get(BackfillWatchdog, { strict: false }).close();
    for (const [pressure, perSecond] of [
      [0.5, 20],
      [1, 0],
      [0, 40],
    ] as const) {
      state.pressure = pressure;
      await eventually(
        `a rate of ${perSecond}`,
        () => backfills.status('quick'),
        ({ rate }) => rate.perSecond === perSecond,
      );
    }
  });

  it('is asked by one process at a time, and by another one when that closes', async () => {
    const meters = [metered(50), metered(50)];
    const apps = await Promise.all(
      meters.map(({ throttle }) => bench.start({ handlers: [counting('leased', [throttle], 40)] })),
    );
    await apps[0]?.backfills.start('leased');
    const counts = () => meters.map(({ state }) => state.asked);
    await eventually(
      'both to have seen the run, and one to ask',
      async () => counts(),
      (asked) => Math.max(...asked) > 30,
    );
    const [holder, other] = counts()[0] === 0 ? [1, 0] : [0, 1];
    expect(counts()[other]).toBe(0);
    const pressed = meters[holder];
    if (pressed) {
      pressed.state.pressure = 0.5;
    }
    await eventually(
      'half of the rate in the other process',
      async () => apps[other]?.backfills.status('leased'),
      (status) => status?.rate.perSecond === 20,
    );
    await apps[holder]?.close();
    await eventually(
      'the other process to ask, and to measure no pressure',
      async () => apps[other]?.backfills.status('leased'),
      (status) => status?.rate.perSecond === 40 && (counts()[other] ?? 0) > 0,
    );
  });

  it('holds a run on while the process that asks it closes', async () => {
    const started: number[] = [];
    let isSilent = false;
    const throttle: BackfillThrottle = {
      name: 'dial',
      measure: async () => {
        if (isSilent) {
          await new Promise((resolve) => setTimeout(resolve, 1500));
        }
        return { pressure: 1, reason: 'the dial' };
      },
    };
    const handlers = () => [
      counting('handed-over', [throttle], 100, async () => {
        started.push(performance.now());
      }),
    ];
    const apps = [await bench.start({ handlers: handlers() }), await bench.start({ handlers: handlers() })];
    await apps[0]?.backfills.start('handed-over');
    await eventually(
      'a held run',
      () => apps[0]?.backfills.status('handed-over'),
      (status) => status?.rate.perSecond === 0,
    );
    const redis = bench.redis.client;
    const [key] = await redis.keys(`*${bench.keyPrefix()}*:throttle-lease:handed-over`);
    const holder = await redis.get(key ?? '');
    const at = apps.findIndex(({ app }) => app.get<string>(PROCESS_ID, { strict: false }) === holder);
    expect(at).not.toBe(-1);
    // Ranges that were claimed before the run was held still start.
    await eventually(
      'the last range to start',
      async () => {
        const count = started.length;
        await new Promise((resolve) => setTimeout(resolve, 500));
        return started.length - count;
      },
      (more) => more === 0,
    );
    const before = started.length;
    isSilent = true;
    await apps[at]?.app.close();
    await eventually(
      'another process that asks it',
      () => redis.get(key ?? ''),
      (id) => id !== null && id !== holder,
    );
    await new Promise((resolve) => setTimeout(resolve, 1500));
    expect(started.length).toBe(before);
  });

  it('is not asked again before it has answered', async () => {
    const waiting: (() => void)[] = [];
    let isStuck = true;
    const throttle: BackfillThrottle = {
      name: 'slow',
      everyMs: 50,
      onError: 'failClosed',
      measure: async () => {
        if (isStuck) {
          await new Promise<void>((resolve) => waiting.push(resolve));
        }
        return { pressure: 0, reason: 'answered' };
      },
    };
    const { backfills } = await bench.start({ handlers: [counting('slow', [throttle], 40)] });
    await backfills.start('slow');
    await eventually(
      'two timeouts',
      () => backfills.status('slow'),
      ({ warnings }) => warnings.some((warning) => /Throttle slow failed ([2-9]|\d\d) times/.test(warning)),
    );
    expect(waiting).toHaveLength(1);
    expect((await backfills.status('slow')).rate.perSecond).toBe(0);
    isStuck = false;
    waiting[0]?.();
    await eventually(
      'the rate',
      () => backfills.status('slow'),
      ({ rate }) => rate.perSecond === 40,
    );
  });
});

describe('a throttle that is measured while the app closes', () => {
  it.each(['cluster', 'process'] as const)(
    'of scope %s has not failed, and reports no more',
    async (scope) => {
      let fail: ((error: Error) => void) | undefined;
      const throttle: BackfillThrottle = {
        name: 'slow',
        scope,
        everyMs: 50,
        onError: 'failClosed',
        measure: () =>
          new Promise((_, reject) => {
            fail = reject;
          }),
      };
      const name = `closing-${scope}`;
      const { app, backfills, logs } = await bench.start({ handlers: [counting(name, [throttle], 40)] });
      const { runId } = await backfills.start(name);
      const measuring = await eventually(
        'a measurement',
        () => fail,
        (reject) => reject !== undefined,
      );
      const keys = app.get(BackfillKeys, { strict: false });
      await app.close();
      const redis = bench.redis.client;
      const before = await redis.get(keys.throttleErrors(runId));
      measuring?.(new Error('the pool is closed'));
      await new Promise((resolve) => setTimeout(resolve, 200));
      expect(logs.having('throttle slow failed')).toEqual([]);
      expect(logs.having('cannot be reported')).toEqual([]);
      expect(await redis.hgetall(keys.pressure(name))).toEqual({});
      expect(await redis.get(keys.throttleErrors(runId))).toBe(before);
    },
  );
});

describe('ready-made throttles', () => {
  let orm: MikroORM;
  beforeAll(async () => {
    orm = await MikroORM.init({ clientUrl: bench.database.url, entities: [Item] });
  });
  afterAll(() => orm.close(true));

  const ask = (throttle: BackfillThrottle) =>
    throttle.measure({ backfill: 'b', runId: 'r', em: orm.em.fork(), redis: bench.redis.client });

  it('measure how many connections of PostgreSQL are in use', async () => {
    expect(await ask(postgresConnections())).toMatchObject({ reason: expect.stringMatching(/^\d+ % of/) });
    expect(await ask(postgresConnections({ from: 0, to: 0.000_001 }))).toMatchObject({ pressure: 1 });
  });

  it('measure how long a statement waits for a lock', async () => {
    await bench.fillItems([1]);
    expect(await ask(postgresLockWait())).toMatchObject({ pressure: 0 });
    const [holder, waiter] = [0, 1].map(() => new Client({ connectionString: bench.database.url }));
    await Promise.all([holder?.connect(), waiter?.connect()]);
    await holder?.query('BEGIN; UPDATE items SET touches = 1 WHERE id = 1');
    const waiting = waiter?.query('UPDATE items SET touches = 2 WHERE id = 1');
    await eventually(
      'a pressure',
      () => ask(postgresLockWait({ from: 10, to: 100 })),
      ({ pressure }) => pressure === 1,
    );
    await holder?.query('ROLLBACK');
    await waiting;
    expect(await ask(postgresLockWait({ from: 10, to: 100 }))).toMatchObject({ pressure: 0 });
    await Promise.all([holder?.end(), waiter?.end()]);
  });

  it('measure no lag without replicas', async () => {
    expect(await ask(postgresReplicationLag())).toEqual({ pressure: 0, reason: 'replication lag 0.0 s' });
  });

  const sleeping = (nap: { seconds: number }, baselineMs?: number) =>
    probeLatency({
      probe: (em) => em.getConnection().execute(`select pg_sleep(${nap.seconds})`),
      ...(baselineMs === undefined ? {} : { baselineMs }),
    });

  // How the pressure follows from the latency is tested with a clock of its own, in test/unit/throttles.
  it('measure a probe of the database, without load first', async () => {
    const throttle = sleeping({ seconds: 0.05 });
    expect((await ask(throttle)).pressure).toBe(1);
    const { reason } = await eventually(
      'a baseline',
      () => ask(throttle),
      ({ pressure }) => pressure < 1,
    );
    expect(reason).toMatch(/^probe takes \d+\.\d ms \(p95\), 1\.0 times its baseline$/);
    expect(Number(/[\d.]+/.exec(reason)?.[0])).toBeGreaterThanOrEqual(50);
  });

  it('measure pressure where a probe does not return', async () => {
    const throttle = sleeping({ seconds: 3 }, 10);
    expect(await ask(throttle)).toEqual({
      pressure: expect.closeTo(0.94, 1),
      reason: expect.stringMatching(/^probe takes (?:99\d|[1-9]\d{3,})\./),
    });
  });

  it('do not fail where the first probe does not return', async () => {
    const { backfills, logs } = await bench.start({
      handlers: [counting('stuck', [sleeping({ seconds: 5 }, 10)], 40)],
    });
    await backfills.start('stuck');
    const { rate } = await eventually(
      'a pressure',
      () => backfills.status('stuck'),
      (status) => status.rate.perSecond !== null && status.rate.perSecond < 40,
    );
    expect(rate.reason).toContain('by probe takes');
    expect(logs.having('throttle probe-latency failed')).toEqual([]);
  });

  it('count the jobs of other queues', async () => {
    const queue = new Queue('mails', {
      connection: bench.redis.client,
      prefix: bench.redis.prefix,
      streams: { events: { maxLen: 77 } },
    });
    await queue.waitUntilReady();
    const options = { queues: ['mails'], prefix: bench.redis.prefix, from: 5, to: 15 };
    expect(await ask(queueDepth(options))).toEqual({ pressure: 0, reason: '0 jobs wait in mails' });
    await queue.addBulk(Array.from({ length: 10 }, () => ({ name: 'mail', data: {} })));
    expect(await ask(queueDepth(options))).toEqual({ pressure: 0.5, reason: '10 jobs wait in mails' });
    // What the app has set for its queue stays.
    expect(await bench.redis.client.hget(`${bench.redis.prefix}:mails:meta`, 'opts.maxLenEvents')).toBe('77');
    await queue.close();
  });

  it('measure the event loop and the heap of their process', async () => {
    const lag = eventLoopLag({ from: 20, to: 60 });
    await ask(lag);
    const lagging = await eventually(
      'a lag',
      async () => {
        const until = performance.now() + 200;
        while (performance.now() < until) {
          // The loop is busy.
        }
        await new Promise((resolve) => setTimeout(resolve, 1));
        return ask(lag);
      },
      ({ pressure }) => pressure > 0,
    );
    expect(lagging.reason).toMatch(/^event loop lags \d+ ms$/);
    expect(await ask(heapUse())).toMatchObject({ pressure: expect.any(Number) });
    expect(await ask(heapUse({ from: 0, to: 0.001 }))).toMatchObject({ pressure: 1 });
  });

  it('refuse a from that is not below to', () => {
    expect(() => heapUse({ from: 0.9, to: 0.5 })).toThrow(RangeError);
  });
});
