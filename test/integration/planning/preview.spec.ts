import { BackfillConfigError, idRange, type BackfillConfigPatch } from 'nestjs-backfill';
import { createAppBench, defineBackfill, Item, numbers } from '../../support/apps/index.js';

const bench = await createAppBench();
const at = '2020-11-16T22:51:59Z';
const rate = (perSecond: number | null): BackfillConfigPatch => ({
  perSecondOnPeak: perSecond,
  perSecondOffPeak: perSecond,
});

async function previewing(rows: number) {
  await bench.fillItems(`SELECT generate_series(1, ${rows})`);
  const walk = defineBackfill({
    name: 'walk',
    source: idRange(Item),
    config: { batchSize: 5, ...rate(1) },
    processRange: () => undefined,
  });
  return (await bench.start({ handlers: [walk] })).backfills;
}

describe('preview', () => {
  it('of 1..20 by fives at one a second', async () => {
    const backfills = await previewing(20);
    expect(await backfills.preview('walk', { at })).toEqual({
      ranges: [
        { index: 0, begin: 16, end: 20, runAt: '2020-11-16T22:51:59.000Z' },
        { index: 1, begin: 11, end: 15, runAt: '2020-11-16T22:52:00.000Z' },
        { index: 2, begin: 6, end: 10, runAt: '2020-11-16T22:52:01.000Z' },
        { index: 3, begin: 1, end: 5, runAt: '2020-11-16T22:52:02.000Z' },
      ],
      total: 4,
      rowsTotal: 20,
      rowsTotalKind: expect.stringMatching(/exact|estimated/),
      estimatedEnd: '2020-11-16T22:52:02.000Z',
      forecast: null,
      warnings: [],
    });
    expect(await backfills.runs('walk')).toEqual([]);
    expect(await backfills.status('walk')).toMatchObject({ state: 'idle' });
  });

  it.each([
    [22, { begin: 1, end: 2 }],
    [21, { begin: 1, end: 1 }],
  ])('of 1..%i ends with the rest', async (rows, last) => {
    const backfills = await previewing(rows);
    const { ranges, total } = await backfills.preview('walk', { at });
    expect(total).toBe(5);
    expect(ranges.at(-1)).toMatchObject({ index: 4, ...last });
  });

  it('at three a second stands exactly a third of a second apart', async () => {
    const backfills = await previewing(20);
    const { ranges } = await backfills.preview('walk', { at, config: rate(3) });
    expect(ranges.map(({ runAt }) => runAt)).toEqual([
      '2020-11-16T22:51:59.000Z',
      '2020-11-16T22:51:59.333333Z',
      '2020-11-16T22:51:59.666667Z',
      '2020-11-16T22:52:00.000Z',
    ]);
  });

  it('at half a range a second stands two seconds apart', async () => {
    const backfills = await previewing(20);
    const { ranges, estimatedEnd } = await backfills.preview('walk', { at, config: rate(0.5) });
    expect(ranges.map(({ runAt }) => runAt?.slice(14, 19))).toEqual(['51:59', '52:01', '52:03', '52:05']);
    expect(estimatedEnd).toBe('2020-11-16T22:52:05.000Z');
  });

  it('keeps to from, to, limit and the config in force', async () => {
    const backfills = await previewing(100);
    await backfills.configure('walk', { batchSize: 10 });
    const { ranges, total } = await backfills.preview('walk', { from: 60, to: 21, limit: 2 });
    expect(ranges).toMatchObject([
      { begin: 51, end: 60 },
      { begin: 41, end: 50 },
    ]);
    expect(ranges).toHaveLength(2);
    expect(total).toBe(4);
  });

  it('of a hold never ends, and what is wrong is named', async () => {
    const backfills = await previewing(20);
    expect(await backfills.preview('walk', { config: rate(0) })).toMatchObject({
      estimatedEnd: null,
      ranges: Array.from({ length: 4 }, () => ({ runAt: null })),
    });
    await expect(backfills.preview('walk', { limit: 1001 })).rejects.toThrow(
      'expected limit to be a whole number from 1 to 1000, got 1001',
    );
    await expect(backfills.preview('walk', { at: 'soon' })).rejects.toThrow('expected at to be a Date');
    await expect(backfills.preview('walk', { config: { batchSize: 0 } })).rejects.toThrow(
      BackfillConfigError,
    );
  });

  it('of partitions names them', async () => {
    const shards = defineBackfill({
      name: 'shards',
      source: numbers(10, { partitions: ['eu', 'us'] }),
      config: { batchSize: 10 },
      processRange: () => undefined,
    });
    const { backfills } = await bench.start({ handlers: [shards] });
    expect((await backfills.preview('shards')).ranges).toMatchObject([
      { index: 0, partition: 'eu', low: 1, high: 10 },
      { index: 1, partition: 'us', low: 1, high: 10 },
    ]);
  });

  it('warns of ids that are sparse', async () => {
    const backfills = await previewing(1);
    await bench.fillItems('SELECT i * 1000 FROM generate_series(1, 300) AS i');
    const { total, warnings } = await backfills.preview('walk');
    expect(total).toBe(59_801);
    expect(warnings).toMatchObject([
      { code: 'SPARSE_IDS', message: expect.stringContaining('of 59801 ranges') },
    ]);
  });
});
