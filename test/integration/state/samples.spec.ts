import type { Redis } from 'ioredis';
import type { BackfillSample } from 'nestjs-backfill';
import { BackfillKeys } from '../../../lib/redis/backfill-keys.js';
import { RedisConnections } from '../../../lib/redis/redis-connections.js';
import { SampleStore } from '../../../lib/state/sample.store.js';
import { createAppBench, defineBackfill, eventually, numbers } from '../../support/apps/index.js';

const bench = await createAppBench();
const SECOND = 1_000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;
const START = 1_700_000_000_000;
const RUN = 'r1';

interface Opened {
  readonly store: SampleStore;
  readonly client: Redis;
  readonly keys: BackfillKeys;
}

async function open(): Promise<Opened> {
  const handler = defineBackfill({ name: 'idle', source: numbers(1), processRange: () => {} });
  const { app } = await bench.start({ handlers: [handler], options: { workers: false } });
  const client = app.get(RedisConnections, { strict: false }).client as Redis;
  const keys = app.get(BackfillKeys, { strict: false });
  // A run that no process supervises.
  await client.hset(keys.run(RUN), 'status', 'running');
  return { store: app.get(SampleStore, { strict: false }), client, keys };
}

function sampleAt(at: number): BackfillSample {
  const done = (at - START) / SECOND;
  return { at, done, rowsDone: 10 * done, rowsFailed: 0, outstanding: 3, perSecond: 1, concurrency: null };
}

/** Both inclusive. */
async function measure({ store }: Opened, from: number, to: number, everyMs: number): Promise<void> {
  for (let at = from; at <= to; at += everyMs) {
    await store.add(RUN, sampleAt(at));
  }
}

function spacings(samples: readonly BackfillSample[]): number[] {
  return samples.slice(1).map(({ at }, i) => (samples[i]?.at ?? 0) - at);
}

describe('samples', () => {
  it('are thinned out as they age, are bounded, and gaps stay gaps', async () => {
    const opened = await open();
    const { store, client, keys } = opened;
    const end = START + 2 * HOUR;
    const gap = [end - 40 * MINUTE, end - 30 * MINUTE] as const;
    await measure(opened, START, gap[0], SECOND);
    await measure(opened, gap[1], end, SECOND);
    const fine = await store.newest(RUN);
    expect(fine.map(({ at }) => at)).toEqual(Array.from({ length: 900 }, (_, i) => end - i * SECOND));

    const hour = await store.range(RUN, 'hour');
    expect(hour.slice(0, 900)).toEqual(fine);
    expect(hour.at(-1)?.at).toBeGreaterThan(end - HOUR);
    expect(hour.at(-1)?.at).toBeLessThanOrEqual(end - HOUR + 10 * SECOND);
    const older = spacings(hour.slice(900));
    expect(older.filter((ms) => ms !== 10 * SECOND)).toEqual([gap[1] - gap[0]]);
    expect(hour.length).toBeLessThan(1_200);

    const day = await store.range(RUN, 'day');
    const run = await store.range(RUN, 'run');
    for (const samples of [hour, day, run]) {
      expect(samples).toEqual(samples.map(({ at }) => sampleAt(at)));
      expect(samples.filter(({ at }) => at > gap[0] && at < gap[1])).toEqual([]);
      expect(spacings(samples).every((ms) => ms > 0)).toBe(true);
    }
    expect(day.at(-1)?.at).toBe(START);
    expect(new Set(spacings(day.filter(({ at }) => at < end - HOUR)))).toEqual(
      new Set([2 * MINUTE, 40 * SECOND]),
    );
    expect(run.at(-1)?.at).toBe(START);
    expect(run.length).toBeGreaterThan(400);
    expect(run.length).toBeLessThanOrEqual(1_000);

    for (const [range, samples] of Object.entries({ hour, day, run })) {
      for (const after of [
        samples[0]?.at,
        samples[5]?.at,
        samples.at(-1)?.at,
        START - 1,
        end - 20 * MINUTE + 1,
      ]) {
        expect(await store.range(RUN, range as 'hour', after)).toEqual(
          samples.filter(({ at }) => at > (after ?? 0)),
        );
      }
    }
    const lengths = await Promise.all(
      [keys.samples(RUN), ...keys.sampleLevels(RUN)].map((key) => client.llen(key)),
    );
    expect(lengths[0]).toBe(900);
    lengths.forEach((length) => expect(length).toBeLessThanOrEqual(1_000));
  });

  it('of a run of ten days are at most 1,000, from its beginning to its end', async () => {
    const opened = await open();
    const end = START + 10 * 24 * HOUR;
    await measure(opened, START, end, 2 * MINUTE);
    const run = await opened.store.range(RUN, 'run');
    expect(run.length).toBeGreaterThan(400);
    expect(run.length).toBeLessThanOrEqual(1_000);
    expect(run.at(-1)?.at).toBe(START);
    expect(run[0]?.at).toBeGreaterThan(end - 35 * MINUTE);
    const day = await opened.store.range(RUN, 'day');
    expect(day.at(-1)?.at).toBeGreaterThan(end - 24 * HOUR);
    expect(day.length).toBeGreaterThan(700);
    const lengths = await Promise.all(opened.keys.sampleLevels(RUN).map((key) => opened.client.llen(key)));
    lengths.forEach((length) => expect(length).toBeLessThanOrEqual(1_000));
  });

  it('that processes of an earlier version have taken are in every range', async () => {
    const opened = await open();
    const { client, keys, store } = opened;
    const takeOld = async (from: number, to: number) => {
      for (let at = from; at <= to; at += SECOND) {
        const { done, rowsDone, rowsFailed, outstanding, perSecond } = sampleAt(at);
        await client.lpush(
          keys.samples(RUN),
          JSON.stringify([at, done, rowsDone, rowsFailed, outstanding, perSecond]),
        );
        await client.ltrim(keys.samples(RUN), 0, 899);
      }
    };
    await takeOld(START, START + 5 * MINUTE);
    await measure(opened, START + 5 * MINUTE + SECOND, START + 6 * MINUTE, SECOND);
    await takeOld(START + 6 * MINUTE + SECOND, START + 20 * MINUTE);
    await measure(opened, START + 20 * MINUTE + SECOND, START + 40 * MINUTE, SECOND);
    const hour = await store.range(RUN, 'hour');
    const coarse = hour.slice(900);
    expect(new Set(spacings(coarse))).toEqual(new Set([10 * SECOND]));
    expect(coarse.at(-1)?.at).toBe(START);
    const run = await store.range(RUN, 'run');
    expect(Math.max(...spacings(run))).toBeLessThanOrEqual(4 * SECOND);
    expect(run.at(-1)?.at).toBe(START);
  });

  it('of a run are read by its id, and invalid ranges are refused', async () => {
    const handler = defineBackfill({
      name: 'held',
      source: numbers(10),
      config: { perSecondOnPeak: 0, perSecondOffPeak: 0 },
      processRange: () => {},
    });
    const { backfills } = await bench.start({ handlers: [handler] });
    expect(await backfills.samples('held', { range: 'run' })).toEqual([]);
    const { runId } = await backfills.start('held');
    const samples = await eventually(
      'two samples',
      () => backfills.samples('held', { range: 'run' }),
      ({ length }) => length > 1,
    );
    await backfills.cancel('held');
    const [newest, before] = await backfills.samples('held', { runId });
    expect(await backfills.samples('held', { runId, after: Number(before?.at) })).toEqual([newest]);
    expect(await backfills.samples('held', { runId, range: 'hour' })).toEqual(
      expect.arrayContaining(samples),
    );
    await expect(backfills.samples('held', { runId: 'unknown' })).rejects.toMatchObject({
      code: 'BACKFILL_NOT_FOUND',
    });
    for (const [field, options] of Object.entries({ range: { range: 'week' }, after: { after: -1 } })) {
      await expect(backfills.samples('held', options as object)).rejects.toMatchObject({
        code: 'BACKFILL_REQUEST_INVALID',
        field,
      });
    }
  });
});
