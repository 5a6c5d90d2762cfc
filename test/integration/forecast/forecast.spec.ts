import { keyset } from 'nestjs-backfill';
import { createAppBench, defineBackfill, eventually, Item } from '../../support/apps/index.js';

const bench = await createAppBench();
/** Bytes that an update writes to the log at least: the header of a record, and a row of this table. */
const LEAST_BYTES = 50;

const touching = defineBackfill<never, Item>({
  name: 'touch',
  source: keyset(Item, { orderBy: { id: 'asc' } }),
  config: { batchSize: 100, perSecondOnPeak: 20, perSecondOffPeak: 20 },
  processBatch: (rows) => rows.forEach((row) => (row.touches = row.id % 10 === 0 ? 0 : 1)),
});

describe('the forecast of a rehearsal', () => {
  it('is part of it, of the preview, and of the run that is started then', async () => {
    await bench.fillItems('SELECT generate_series(1, 2000)');
    await bench.database.query('analyze items');
    const { backfills, finished } = await bench.start({ handlers: [touching] });
    expect((await backfills.preview('touch')).forecast).toBeNull();
    const { forecast } = await backfills.rehearse('touch', { rows: 500 });
    expect(forecast).toMatchObject({
      measured: { rows: 500, batches: 5 },
      rowsTotal: 2_000,
      // 20 ranges, at 20 a second: the last starts after 950 ms.
      durationMs: { low: expect.any(Number), expected: expect.any(Number), high: expect.any(Number) },
      hotShare: expect.any(Number),
      calls: null,
      quotaMs: null,
      untouched: { expected: 0.1 },
    });
    const preview = await backfills.preview('touch', { to: { id: 1_000 } });
    expect(preview.forecast).toMatchObject({ rowsTotal: 1_000, measuredAt: forecast?.measuredAt });

    await backfills.start('touch');
    const status = await finished('touch');
    expect(status.forecast?.forecast).toMatchObject({ rowsTotal: 2_000, measuredAt: forecast?.measuredAt });
    expect(status.forecast?.actual).toMatchObject({ rows: 2_000 });
    expect(status.forecast?.actual.durationMs).toBeGreaterThan(0);
    const ended = await eventually(
      'the log of the run to be recorded',
      () => backfills.status('touch'),
      (now) => now.forecast?.actual.serverWalBytes !== null,
    );
    expect(ended.forecast?.actual.serverWalBytes).toBeGreaterThan(1_800 * LEAST_BYTES);
    const [run] = await backfills.runs('touch');
    expect(run?.forecast).toEqual(ended.forecast);
    // Other connections write the log, too, so only what the run itself writes is a bound: 9 of 10 rows.
    expect(forecast?.walBytes?.expected).toBeGreaterThan(1_800 * LEAST_BYTES);
  });

  it('is none where the handler commits by itself', async () => {
    const handler = defineBackfill<never, Item>({
      name: 'committing',
      source: keyset(Item, { orderBy: { id: 'asc' } }),
      processBatch: async (rows) => {
        await bench.database.query('update items set touches = 3 where id = any($1)', [
          rows.map(({ id }) => id),
        ]);
      },
    });
    const { backfills } = await bench.start({ handlers: [handler] });
    expect((await backfills.rehearse('committing')).forecast).toBeNull();
    await backfills.start('committing', { config: { perSecondOnPeak: 0, perSecondOffPeak: 0 } });
    expect((await backfills.status('committing')).forecast).toBeNull();
    expect((await backfills.runs('committing'))[0]?.forecast).toBeNull();
  });
});

const UNPACED = { batchSize: 20, concurrency: 3, perSecondOnPeak: null, perSecondOffPeak: null };
const contents = () =>
  bench.database.query(`select md5(string_agg(i::text || xmin::text, '|' order by id)) from items i`);

describe('a rehearsal of a handler that is the limit of its run', () => {
  const seen: { ids: number[]; dryRun: boolean }[] = [];
  const counting = (given: Parameters<typeof defineBackfill<never, Item>>[0]) =>
    defineBackfill<never, Item>({ config: UNPACED, ...given });
  const source = keyset(Item, { orderBy: { id: 'asc' } });
  beforeEach(async () => {
    seen.length = 0;
    await bench.fillItems('SELECT generate_series(1, 1000)');
  });

  it('handles its batches again, several at once, and changes nothing', async () => {
    let [now, most] = [0, 0];
    const handler = counting({
      name: 'fast',
      source,
      processBatch: async (rows, { dryRun, em }) => {
        most = Math.max(most, ++now);
        seen.push({ ids: rows.map(({ id }) => id), dryRun });
        rows.forEach((row) => row.touches++);
        // Its own flush, and its own transaction, in that of the rehearsal.
        await em.flush();
        await em.transactional((inner) => inner.count(Item, { touches: 1 }));
        rows.forEach((row) => row.touches++);
        now--;
      },
    });
    const { backfills } = await bench.start({ handlers: [handler] });
    const before = await contents();
    const { forecast, batches, errors, rows, msPerRow } = await backfills.rehearse('fast', { rows: 25 });
    expect(await contents()).toEqual(before);
    expect({ batches, errors, shown: rows.length }).toEqual({ batches: 5, errors: [], shown: 25 });
    expect(msPerRow).toBeGreaterThan(0);
    expect(seen.length).toBeGreaterThan(20);
    expect(seen.every(({ dryRun }) => dryRun)).toBe(true);
    expect(most).toBe(3);
    // The rows that are shown, and one batch of the size of the run.
    expect(new Set(seen.flatMap(({ ids }) => ids)).size).toBeLessThanOrEqual(45);
    expect(seen.some(({ ids }) => ids.length === 20)).toBe(true);
    expect(forecast).toMatchObject({ limitedBy: 'handler', measured: { rows: 25, batches: 5 } });
    expect(forecast?.durationMs?.expected).toBeGreaterThan(0);
  });

  it('is not handled again where its calls are counted', async () => {
    const handler = counting({
      name: 'calling',
      source,
      processBatch: async (rows, context) => {
        seen.push({ ids: rows.map(({ id }) => id), dryRun: context.dryRun });
        await context.quota();
      },
    });
    const { backfills } = await bench.start({ handlers: [handler] });
    const { batches, outside } = await backfills.rehearse('calling', { rows: 25 });
    expect({ batches, outside }).toEqual({ batches: 5, outside: [{ quota: 'calling', calls: 5 }] });
    expect(seen).toHaveLength(5);
  });

  it('is not handled again where it calls what the budget shares', async () => {
    const handler = counting({
      name: 'sharing',
      source,
      processBatch: async (rows, context) => {
        seen.push({ ids: rows.map(({ id }) => id), dryRun: context.dryRun });
        await context.quota('directory');
      },
    });
    const options = { budget: { callsPerSecond: { directory: 1_000 } } };
    const { backfills } = await bench.start({ handlers: [handler], options });
    const { batches, outside } = await backfills.rehearse('sharing', { rows: 25 });
    expect({ batches, outside }).toEqual({ batches: 5, outside: [{ quota: 'directory', calls: 5 }] });
    expect(seen).toHaveLength(5);
  });

  it('is not handled again any more once it calls somebody', async () => {
    let calls = 0;
    const handler = counting({
      name: 'later',
      source,
      processBatch: async (rows, context) => {
        seen.push({ ids: rows.map(({ id }) => id), dryRun: context.dryRun });
        if (seen.length > 6) {
          await context.quota();
          calls++;
        }
      },
    });
    const { backfills } = await bench.start({ handlers: [handler] });
    const { forecast, errors } = await backfills.rehearse('later', { rows: 25 });
    expect({ calls, errors }).toEqual({ calls: 0, errors: [] });
    expect(forecast?.durationMs?.expected).toBeGreaterThan(0);
  });

  it('is not handled again row by row, nor while a run is active', async () => {
    let rowsHandled = 0;
    const handlers = [
      counting({ name: 'single', source, processRow: () => void rowsHandled++ }),
      counting({
        name: 'active',
        source,
        processBatch: (rows, { dryRun }) => void seen.push({ ids: rows.map(({ id }) => id), dryRun }),
      }),
    ];
    const { backfills } = await bench.start({ handlers });
    await backfills.rehearse('single', { rows: 25 });
    expect(rowsHandled).toBe(25);
    await backfills.start('active', { config: { perSecondOnPeak: 1, perSecondOffPeak: 1 } });
    await backfills.pause('active');
    await backfills.configure('active', UNPACED);
    expect((await backfills.rehearse('active', { rows: 25 })).rows).toHaveLength(25);
    expect(seen.filter(({ dryRun }) => dryRun)).toHaveLength(5);
  });

  it('ends at its time limit with the rows, and without that measurement', async () => {
    const handler = counting({
      name: 'timed',
      source,
      processBatch: (rows) => rows.forEach((row) => row.touches++),
    });
    const { backfills } = await bench.start({ handlers: [handler] });
    const { rows, partial, forecast } = await backfills.rehearse('timed', { rows: 25, timeoutMs: 1_000 });
    expect({ rows: rows.length, partial }).toEqual({ rows: 25, partial: null });
    expect(forecast?.durationMs?.expected).toBeGreaterThan(0);
  });

  it('ends after its time limit where the handler hangs when it is handled again', async () => {
    let release = () => {};
    const released = new Promise<void>((resolve) => (release = resolve));
    const handler = counting({
      name: 'hanging',
      source,
      processBatch: async (rows, context) => {
        seen.push({ ids: rows.map(({ id }) => id), dryRun: context.dryRun });
        if (seen.length > 6) {
          await released;
        }
      },
    });
    const { backfills } = await bench.start({ handlers: [handler] });
    try {
      const { rows, forecast } = await backfills.rehearse('hanging', { rows: 25, timeoutMs: 5_000 });
      expect(rows).toHaveLength(25);
      expect(forecast?.durationMs?.expected).toBeGreaterThan(0);
    } finally {
      release();
    }
  });
});
