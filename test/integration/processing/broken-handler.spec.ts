import { setTimeout as sleep } from 'node:timers/promises';
import {
  createAppBench,
  defineBackfill,
  eventually,
  numbers,
  type NumberRange,
  type NumberRow,
} from '../../support/apps/index.js';

const bench = await createAppBench();
const unpaced = { perSecondOnPeak: null, perSecondOffPeak: null };
const config = { batchSize: 1, backoffMs: 60_000, ...unpaced };

/** A handler that fails for the numbers for which `broken` says so. */
function brokenFor(broken: (id: number) => boolean) {
  const attempts: { id: number; attempt: number }[] = [];
  const handler = defineBackfill<NumberRange>({
    name: 'broken',
    source: numbers(500),
    config,
    processRange: ({ low }, { attempt }) => {
      attempts.push({ id: low, attempt });
      if (broken(low)) {
        throw new TypeError('row.naem is not a function');
      }
    },
  });
  return { handler, attempts };
}

describe('a run in which nothing succeeds', () => {
  it('pauses itself after ten ranges, and says why', async () => {
    const { handler } = brokenFor(() => true);
    const { backfills, finished } = await bench.start({ handlers: [handler] });
    await backfills.start('broken', { config: { maxFailures: null, concurrency: 1 } });
    expect(await finished('broken')).toMatchObject({
      state: 'paused',
      stateReason:
        'nothing has succeeded, and the first attempts of 10 ranges failed: TypeError: row.naem is not a function',
      pausedBy: 'nestjs-backfill',
      lastError: { name: 'TypeError', message: 'row.naem is not a function' },
      failed: 0,
    });
  });

  it('counts anew once it is resumed, and goes on once the handler is mended', async () => {
    let broken = true;
    const { handler, attempts } = brokenFor(() => broken);
    const { backfills, finished } = await bench.start({ handlers: [handler] });
    await backfills.start('broken', { config: { concurrency: 1 } });
    await finished('broken');
    // Some more may have begun before the worker stopped.
    const before = attempts.length;
    expect(before).toBeGreaterThanOrEqual(10);
    await backfills.resume('broken');
    expect(await finished('broken')).toMatchObject({ state: 'paused' });
    expect(attempts.length).toBeGreaterThanOrEqual(before + 10);
    expect(attempts.length).toBeLessThan(100);
    const failed = attempts.length;
    broken = false;
    await backfills.resume('broken');
    // The others are tried again after a minute.
    await eventually(
      'all other rows',
      () => backfills.status('broken'),
      ({ rowsDone }) => rowsDone >= 500 - failed,
    );
  });

  it('of rows pauses itself, too', async () => {
    const handler = defineBackfill<never, NumberRow>({
      name: 'broken',
      source: numbers(500),
      config: { ...config, batchSize: 3 },
      processRow: () => {
        throw new TypeError('it is broken');
      },
    });
    const { backfills, finished } = await bench.start({ handlers: [handler] });
    await backfills.start('broken', { config: { concurrency: 1 } });
    expect(await finished('broken')).toMatchObject({
      state: 'paused',
      stateReason: expect.stringContaining('nothing has succeeded'),
      rowsDone: 0,
    });
  });

  it('goes on where the limit is null', async () => {
    const { handler } = brokenFor(() => true);
    const { backfills, finished } = await bench.start({ handlers: [handler] });
    await backfills.start('broken', { config: { maxInitialFailures: null, attempts: 1 } });
    expect(await finished('broken')).toMatchObject({ state: 'failed', rowsFailed: 500 });
  });

  it('is another than one of which something has succeeded', async () => {
    const { handler } = brokenFor((id) => id !== 500);
    const { backfills, finished } = await bench.start({ handlers: [handler] });
    await backfills.start('broken', { config: { concurrency: 1, attempts: 1 } });
    expect(await finished('broken')).toMatchObject({ state: 'failed', rowsDone: 1, rowsFailed: 499 });
  });
});

describe('warnings of a kind', () => {
  it('are logged once, and then together with their number', async () => {
    const { handler } = brokenFor(() => true);
    const { backfills, finished, logs, close } = await bench.start({ handlers: [handler] });
    await backfills.start('broken', { config: { maxInitialFailures: 90, concurrency: 1 } });
    await finished('broken');
    await close();
    const warnings = logs.having('attempt 1 failed');
    expect(warnings[0]).toMatch(
      /^warn \[broken run \S+ range \d+\] attempt 1 failed, retrying in 60000 ms: TypeError/,
    );
    const counted = warnings.map((line) =>
      Number(/\((?<count>\d+) of this kind in 10 s\)$/.exec(line)?.groups?.['count'] ?? 1),
    );
    expect(counted.reduce((sum, count) => sum + count, 0)).toBeGreaterThanOrEqual(90);
    expect(warnings.length).toBeLessThan(counted.reduce((sum, count) => sum + count, 0) / 5);
  });
});

describe('a range that is tried again', () => {
  it('is processed once its delay is over, not after everything that is planned', async () => {
    const { handler, attempts } = brokenFor((id) => id === 500);
    const { backfills, finished } = await bench.start({ handlers: [handler] });
    // All are planned at once, and take 25 seconds.
    await backfills.start('broken', {
      config: { concurrency: 1, backoffMs: 200, perSecondOnPeak: 20, perSecondOffPeak: 20 },
    });
    await eventually(
      'three attempts of the first range',
      () => attempts.filter(({ id }) => id === 500).length,
      (count) => count === 3,
    );
    const last = attempts.findLastIndex(({ id }) => id === 500);
    // Delays of 600 ms are 12 ranges at this rate; from the end of the queue, the third attempt is the 502nd.
    expect(last).toBeLessThan(250);
    await backfills.cancel('broken');
    await finished('broken');
  });
});

describe('a row handler that passes its signal on', () => {
  it('is not reported as failed when its run is paused', async () => {
    let running = 0;
    const handler = defineBackfill<never, NumberRow>({
      name: 'signalled',
      source: numbers(40),
      config: { ...config, batchSize: 10, rowConcurrency: 5 },
      processRow: async ({ id }, { signal }) => {
        if (id % 5 === 0) {
          return;
        }
        running++;
        await sleep(600_000, undefined, { signal });
      },
    });
    const { backfills, finished, logs } = await bench.start({ handlers: [handler] });
    await backfills.start('signalled', { config: { concurrency: 1 } });
    await eventually(
      'rows in flight',
      () => running,
      (count) => count >= 5,
    );
    await backfills.pause('signalled');
    await finished('signalled');
    const status = await eventually(
      'what was done to be counted',
      () => backfills.status('signalled'),
      ({ rowsDone }) => rowsDone > 0,
    );
    expect(status).toMatchObject({ state: 'paused', lastError: null, rowsFailed: 0 });
    expect(logs.having('AbortError')).toEqual([]);
    expect(logs.having('attempt 1 failed')).toEqual([]);
  });
});
