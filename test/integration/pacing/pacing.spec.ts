import { setTimeout as sleep } from 'node:timers/promises';
import {
  createAppBench,
  defineBackfill,
  eventually,
  numbers,
  startBackfillApp,
  type BackfillApp,
} from '../../support/apps/index.js';
import { sized } from '../../support/thorough.js';

const bench = await createAppBench();
const rate = (perSecond: number | null) => ({ perSecondOnPeak: perSecond, perSecondOffPeak: perSecond });

function ticking(config: object, name = 'ticking') {
  const starts: number[] = [];
  const handler = defineBackfill({
    name,
    source: numbers(100_000),
    config: { batchSize: 1, concurrency: 8, ...config },
    processRange: () => void starts.push(performance.now()),
  });
  return { name, handler, starts };
}

/** Measures by how much this process and Redis are late, as a start may be, until it is asked for the most in ms. */
function watchLateness(): () => Promise<number> {
  let most = 0;
  const end = new AbortController();
  const watch = async () => {
    while (!end.signal.aborted) {
      const asked = performance.now();
      await bench.redis.client.time();
      await sleep(5);
      most = Math.max(most, performance.now() - asked);
    }
    return most;
  };
  const watched = watch();
  return () => {
    end.abort();
    return watched;
  };
}

describe('a rate', () => {
  const held = [
    [0.5, 4],
    [3, 13],
    [7.5, 31],
    [100, sized(201, 401)],
    [1000, sized(2001, 4001)],
  ] as const;
  const at = new Map(held.map(([perSecond], i) => [perSecond, ticking(rate(perSecond), `ticking-${i}`)]));
  let app: BackfillApp;
  let latenessMs: number;

  // All at once, as most of each is waiting.
  beforeAll(async () => {
    app = await startBackfillApp({
      database: bench.database,
      redis: bench.redis,
      handlers: [...at.values()].map(({ handler }) => handler),
      options: { keyPrefix: `${bench.redis.prefix}-rates` },
    });
    const lateness = watchLateness();
    for (const { name } of at.values()) {
      await app.backfills.start(name);
    }
    latenessMs = await Promise.all(
      held.map(([perSecond, ranges]) =>
        eventually(
          `${ranges} ranges at ${perSecond} a second`,
          () => at.get(perSecond)?.starts.length ?? 0,
          (length) => length >= ranges,
        ),
      ),
    ).then(lateness);
  });
  afterAll(() => app.close());

  it.each(held)('of %d ranges a second holds', (perSecond, ranges) => {
    const [first = 0, ...rest] = (at.get(perSecond)?.starts ?? []).slice(0, ranges);
    const seconds = ((rest.at(-1) ?? 0) - first) / 1000;
    const measured = (ranges - 1) / seconds;
    // When the first start is late, the span looks shorter. All others can only make it longer.
    const late = (60 + latenessMs) / 1000;
    expect(measured).toBeLessThan(perSecond * 1.01 + perSecond * (late / seconds));
  });

  it('of one range a minute becomes 100 a second at once', async () => {
    const { handler, starts } = ticking(rate(1 / 60));
    const { backfills } = await bench.start({ handlers: [handler] });
    await backfills.start('ticking');
    await eventually(
      'the first range',
      () => starts.length,
      (length) => length === 1,
    );
    await sleep(1000);
    expect(starts).toHaveLength(1);
    const changed = performance.now();
    await backfills.configure('ticking', rate(100));
    await eventually(
      'a hundred more',
      () => starts.length,
      (length) => length > 100,
    );
    // At the rate before it would be a minute.
    expect((starts[1] ?? Infinity) - changed).toBeLessThan(30_000);
    expect(await backfills.status('ticking')).toMatchObject({ rate: { perSecond: 100 } });
  });

  it('of 0 holds until it is another', async () => {
    const { handler, starts } = ticking(rate(0));
    const { backfills } = await bench.start({ handlers: [handler] });
    await backfills.start('ticking');
    await sleep(1500);
    expect(starts).toEqual([]);
    await backfills.configure('ticking', rate(50));
    await eventually(
      'some ranges',
      () => starts.length,
      (length) => length > 20,
    );
    await backfills.configure('ticking', rate(0));
    await sleep(300);
    const held = starts.length;
    await sleep(1500);
    expect(starts).toHaveLength(held);
    await backfills.configure('ticking', rate(null));
    await eventually(
      'many ranges',
      () => starts.length,
      (length) => length > held + 200,
    );
  });

  it('does not make up for a pause', async () => {
    const { handler, starts } = ticking(rate(10));
    const { backfills } = await bench.start({ handlers: [handler] });
    await backfills.start('ticking');
    await eventually(
      'some ranges',
      () => starts.length,
      (length) => length >= 5,
    );
    await backfills.pause('ticking');
    await sleep(2000);
    const paused = starts.length;
    const lateness = watchLateness();
    await backfills.resume('ticking');
    await eventually(
      'more',
      () => starts.length,
      (length) => length >= paused + 11,
    );
    const after = starts.slice(paused, paused + 11);
    expect((after.at(-1) ?? 0) - (after[0] ?? 0)).toBeGreaterThan(940 - (await lateness()));
  });
});

describe('a batch size', () => {
  it('changes for what is planned from then on', async () => {
    const sizes: number[] = [];
    const handler = defineBackfill<{ index: number; low: number; high: number }>({
      name: 'sized',
      source: numbers(1000),
      config: { batchSize: 10, duration: 1, concurrency: 1, ...rate(20) },
      processRange: ({ low, high }) => void sizes.push(high - low + 1),
    });
    const { backfills, finished } = await bench.start({ handlers: [handler] });
    await backfills.start('sized');
    await eventually(
      'some ranges',
      () => sizes.length,
      (length) => length > 3,
    );
    await backfills.configure('sized', { batchSize: 100, ...rate(null) });
    const before = sizes.length;
    expect(await finished('sized')).toMatchObject({ state: 'completed', rowsDone: 1000 });
    expect(new Set(sizes)).toContain(100);
    // What was planned already: a window of a second, and another that a cycle was planning.
    expect(sizes.filter((size) => size === 10).length).toBeLessThanOrEqual(before + 40);
    expect(sizes.reduce((sum, size) => sum + size, 0)).toBe(1000);
  });
});

describe('the window', () => {
  it('keeps so many seconds of work planned, and no more than maxOutstanding', async () => {
    const { handler } = ticking({ ...rate(5), duration: 4 });
    const { backfills } = await bench.start({ handlers: [handler] });
    await backfills.start('ticking');
    const planned = () => backfills.status('ticking');
    await eventually('the window', planned, ({ outstanding }) => outstanding > 15);
    for (let i = 0; i < 20; i++) {
      expect((await planned()).outstanding).toBeLessThanOrEqual(20);
      await sleep(50);
    }
    await backfills.configure('ticking', { duration: 1000, maxOutstanding: 50 });
    await eventually('the larger window', planned, ({ outstanding }) => outstanding > 40);
    expect((await planned()).outstanding).toBeLessThanOrEqual(50);
  });
});
