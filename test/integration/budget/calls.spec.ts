import { RateLimitedError } from 'nestjs-backfill';
import { SharedCalls } from '../../../lib/pacing/budget/shared.calls.js';
import { createAppBench, defineBackfill, eventually, numbers } from '../../support/apps/index.js';
import type { NumberRange, NumberRow } from '../../support/apps/index.js';

const UNPACED = { perSecondOnPeak: null, perSecondOffPeak: null, maxOutstanding: 500 };
const NAMES = ['rows', 'ranges'];
const LIMIT = 40;

const bench = await createAppBench();

/** Most in any one second. */
function busiestSecond(at: readonly number[]): number {
  return at.reduce(
    (most, from) => Math.max(most, at.filter((each) => each >= from && each < from + 1000).length),
    0,
  );
}

/** A row handler and a range handler that call the same third party. */
function callers(call: (name: string, limited: () => never) => Promise<void> | void) {
  const limited = (): never => {
    throw new RateLimitedError(300, 'too many', { quota: 'directory' });
  };
  return [
    defineBackfill<NumberRange, NumberRow>({
      name: 'rows',
      weight: 3,
      source: numbers(100_000),
      config: { ...UNPACED, batchSize: 100, rowConcurrency: 20 },
      processRow: async (_row, context) => {
        await context.quota('directory');
        await call('rows', limited);
      },
    }),
    defineBackfill<NumberRange>({
      name: 'ranges',
      source: numbers(100_000),
      config: { ...UNPACED, batchSize: 1, concurrency: 20 },
      processRange: async (_range, context) => {
        await context.quota('directory', 1);
        await call('ranges', limited);
      },
    }),
  ];
}

describe('the calls of a budget', () => {
  it('are shared by all backfills, by weight, and none exceeds them', async () => {
    const calls: { name: string; at: number }[] = [];
    const handlers = callers((name) => {
      calls.push({ name, at: performance.now() });
    });
    const options = { budget: { callsPerSecond: { directory: LIMIT } } };
    const { backfills } = await bench.start({ handlers, options });
    await Promise.all(NAMES.map((name) => backfills.start(name)));
    await eventually(
      'calls',
      () => calls.length,
      (count) => count >= 40,
    );
    const first = calls.length;
    await eventually(
      'more calls',
      () => calls.length,
      (count) => count >= first + 240,
    );
    const later = calls.slice(first);
    const share = later.filter(({ name }) => name === 'rows').length / later.length;
    expect(share).toBeGreaterThan(0.6);
    expect(share).toBeLessThan(0.85);
    expect(busiestSecond(calls.map(({ at }) => at))).toBeLessThanOrEqual(LIMIT + 1);
    expect(await backfills.status('ranges')).toMatchObject({
      budget: { limit: 'callsPerSecond.directory', share: 0.25 },
    });
  });

  it('become fewer for all backfills once the third party has asked one of them to wait', async () => {
    const calls: { name: string; at: number }[] = [];
    let limitAt = Infinity;
    const handlers = callers((name, limited) => {
      calls.push({ name, at: performance.now() });
      if (name === 'ranges' && limitAt === Infinity) {
        limitAt = performance.now();
        limited();
      }
    });
    const options = { budget: { callsPerSecond: { directory: LIMIT } } };
    const { backfills } = await bench.start({ handlers, options });
    await backfills.start('rows');
    await eventually(
      'calls',
      () => calls.length,
      (count) => count >= 20,
    );
    await backfills.start('ranges');
    await eventually(
      'the rejected call',
      () => limitAt,
      (at) => at < Infinity,
    );
    const after = () => calls.filter(({ name, at }) => name === 'rows' && at > limitAt);
    await eventually(
      'calls after the wait',
      () => after().length,
      (count) => count >= 10,
    );
    // Granted up to 100 ms ahead.
    expect(after().filter(({ at }) => at > limitAt + 150 && at < limitAt + 300)).toEqual([]);
    const redis = bench.redis.client;
    const [key] = await redis.keys(`*${bench.keyPrefix()}*:budget-calls:default:directory`);
    expect(Number(await redis.hget(key ?? '', 'rate'))).toBeLessThan(LIMIT);
    expect(await redis.keys(`*${bench.keyPrefix()}*:quota:ranges`)).toEqual([]);
  });

  it('do not wait for the next call of a lower limit', async () => {
    const calls: string[] = [];
    const handlers = callers((name) => {
      calls.push(name);
    });
    const options = { budget: { callsPerSecond: { directory: 0.001 } } };
    const { backfills } = await bench.start({ handlers, options });
    await backfills.start('rows');
    await eventually(
      'the first call',
      () => calls.length,
      (count) => count === 1,
    );
    await backfills.configureBudget({ callsPerSecond: { directory: 100 } });
    await eventually(
      'further calls',
      () => calls.length,
      (count) => count >= 5,
    );
  });

  it('wait for as long as any of those has asked that were refused together', async () => {
    const { app, backfills } = await bench.start({
      handlers: callers(() => undefined),
      options: { workers: false },
    });
    const { runId } = await backfills.start('rows');
    const calls = app.get(SharedCalls, { strict: false });
    const ask = () =>
      calls.acquire(
        'directory',
        { runId, weight: 1 },
        { calls: 1, withinMs: 100, readyInMs: 0, unused: null },
      );
    await calls.decrease('directory', runId, 10, LIMIT);
    await calls.decrease('directory', runId, 60_000, LIMIT);
    await calls.decrease('directory', runId, 10, LIMIT);
    await new Promise((resolve) => setTimeout(resolve, 100));
    expect(await ask()).toMatchObject({ kind: 'wait' });
    expect(await ask()).toMatchObject({ kind: 'wait' });
  });
});
