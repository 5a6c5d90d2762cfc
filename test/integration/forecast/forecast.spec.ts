import { keyset } from 'nestjs-backfill';
import { createAppBench, defineBackfill, Item } from '../../support/apps/index.js';

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
  });
});
