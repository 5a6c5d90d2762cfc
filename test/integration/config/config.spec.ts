import { BackfillConfigError, BackfillConflictError } from 'nestjs-backfill';
import { createAppBench, defineBackfill, eventually, numbers } from '../../support/apps/index.js';

const bench = await createAppBench();
const rate = (perSecond: number | null) => ({ perSecondOnPeak: perSecond, perSecondOffPeak: perSecond });

const tuned = (config = {}) =>
  defineBackfill({
    name: 'tuned',
    source: numbers(1000),
    config: { batchSize: 10, ...rate(5), ...config },
    processRange: () => undefined,
  });

const configKey = () => `{${bench.keyPrefix()}}:_:config:tuned`;

describe('a config that an operator set', () => {
  it('outlives the app and wins over the decorator of the next', async () => {
    const before = await bench.start({ handlers: [tuned()] });
    const { version } = await before.backfills.configure('tuned', { batchSize: 77, perSecondOnPeak: null });
    await before.close();
    const { backfills } = await bench.start({ handlers: [tuned({ batchSize: 5, attempts: 8 })] });
    expect(await backfills.config('tuned')).toMatchObject({
      config: { batchSize: 77, perSecondOnPeak: null, perSecondOffPeak: 5, attempts: 8 },
      patch: { batchSize: 77, perSecondOnPeak: null },
      version,
    });
  });

  it('is changed from the version that was read, or not at all', async () => {
    const { backfills } = await bench.start({ handlers: [tuned()] });
    const { version } = await backfills.config('tuned');
    await backfills.configure('tuned', { batchSize: 20 }, { version });
    const late = backfills.configure('tuned', { batchSize: 30 }, { version });
    await expect(late).rejects.toThrow(BackfillConflictError);
    await expect(late).rejects.toThrow(/"tuned" is no longer at version 0/);
    expect((await backfills.config('tuned')).config.batchSize).toBe(20);
  });

  it('names every bad field and changes nothing', async () => {
    const { backfills } = await bench.start({ handlers: [tuned()] });
    const bad = backfills.configure('tuned', { batchSize: -1, onPeakHourEnd: 24, duration: 5 });
    await expect(bad).rejects.toThrow(BackfillConfigError);
    await expect(bad).rejects.toThrow(/batchSize: [^]*onPeakHourEnd: /);
    expect((await backfills.config('tuned')).patch).toEqual({});
  });
});

describe('a value that is corrupted in Redis', () => {
  it.each([
    ['while it runs', true],
    ['before a cycle', false],
  ])('%s pauses the run with an error that names backfill and field', async (_, early) => {
    const { backfills, finished } = await bench.start({ handlers: [tuned(rate(early ? 5 : 0))] });
    await backfills.start('tuned');
    await eventually(
      'the first cycle',
      () => backfills.status('tuned'),
      ({ planned }) => !early || planned > 0,
    );
    await bench.redis.client.hset(configKey(), 'batchSize', 'a lot');
    const status = await finished('tuned');
    expect(status).toMatchObject({
      state: 'paused',
      stateReason: expect.stringMatching(
        /"tuned" is not valid \(stored in Redis\)[^]*batchSize: .*got "a lot"/,
      ),
      lastError: { name: 'BackfillConfigError', message: expect.stringContaining('batchSize') },
      warnings: [expect.stringContaining('The config of "tuned" in Redis is corrupt')],
    });
    await expect(backfills.config('tuned')).rejects.toThrow(BackfillConfigError);
    // The remedy that the error names.
    await backfills.configure('tuned', { batchSize: 100, ...rate(null) });
    await backfills.resume('tuned');
    expect(await finished('tuned')).toMatchObject({ state: 'completed', rowsDone: 1000 });
  });

  it('does not keep others from running', async () => {
    const other = defineBackfill({
      name: 'other',
      source: numbers(100),
      config: rate(null),
      processRange: () => undefined,
    });
    const { backfills, finished } = await bench.start({ handlers: [tuned(), other] });
    await bench.redis.client.hset(configKey(), 'attempts', '0');
    await expect(backfills.start('tuned')).rejects.toThrow(/attempts/);
    await backfills.start('other');
    expect(await finished('other')).toMatchObject({ state: 'completed' });
    expect(await backfills.list()).toHaveLength(2);
  });
});

describe('a cycle', () => {
  it('logs what it planned, the cursor, the rate and when the next one is due', async () => {
    const { backfills, logs } = await bench.start({ handlers: [tuned({ duration: 4 })] });
    const { runId } = await backfills.start('tuned');
    const lines = await eventually(
      'two cycles',
      () => logs.having('planned'),
      ({ length }) => length >= 2,
    );
    expect(lines[0]).toBe(
      `log [tuned run ${runId}] cycle 0 planned 20 ranges (window 20), cursor 800, rate 5/s all hours, ` +
        'next cycle in 2.0 s at the latest',
    );
    expect(lines[1]).toMatch(new RegExp(`^log \\[tuned run ${runId}\\] cycle 1 planned \\d+ ranges`));
  });

  it('whose source fails comes again, and plans nothing twice', async () => {
    let failing = 2;
    const source = numbers(50, {
      beforePlan: () => {
        if (failing-- > 0) {
          throw new Error('the disk was asleep');
        }
      },
    });
    const flaky = defineBackfill({
      name: 'flaky',
      source,
      config: rate(null),
      processRange: () => undefined,
    });
    const { backfills, finished, logs } = await bench.start({ handlers: [flaky] });
    await backfills.start('flaky', { config: { batchSize: 10 } });
    expect(await finished('flaky')).toMatchObject({ state: 'completed', planned: 5, done: 5, rowsDone: 50 });
    expect(logs.having('the disk was asleep')[0]).toMatch(
      /^warn \[flaky run \w+\] cycle 0 failed, retrying in/,
    );
  });

  it('gives each partition a cursor of its own', async () => {
    const seen: string[] = [];
    const sharded = defineBackfill({
      name: 'sharded',
      source: numbers(40, { partitions: ['eu', 'us', 'ap'] }),
      config: { batchSize: 10, maxOutstanding: 2, ...rate(null) },
      processRange: ({ partition = '?' }) => void seen.push(partition),
    });
    const { backfills, finished } = await bench.start({ handlers: [sharded] });
    await backfills.start('sharded');
    expect(await finished('sharded')).toMatchObject({
      state: 'completed',
      planned: 12,
      rowsDone: 120,
      cursor: { eu: 0, us: 0, ap: 0 },
    });
    expect(seen.toSorted()).toEqual(['ap', 'eu', 'us'].flatMap((name) => [name, name, name, name]));
    // They take turns: none waits for the end of another.
    expect(new Set(seen.slice(0, 6)).size).toBe(3);
  });
});
