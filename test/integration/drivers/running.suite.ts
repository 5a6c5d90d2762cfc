import { idRange, keyset, RateLimitedError, type IdRange, type KeysetRange } from 'nestjs-backfill';
import { defineBackfill, eventually } from '../../support/apps/index.js';
import { type DriverBench, Entry } from './driver-bench.js';
import { Moment, rowsOf } from './entities.js';

const FAST = { perSecondOnPeak: null, perSecondOffPeak: null, backoffMs: 1, concurrency: 4 };

/** Whole runs, with the same results on every driver. */
export function runningSuite(bench: DriverBench): void {
  const touched = (touches: number) => bench.orm.em.fork().count(Entry, { touches });
  const newest = { at: 'desc', id: 'desc' } as const;

  it('hands each row to a range handler once', async () => {
    await bench.fill(Entry, rowsOf(230));
    const handler = defineBackfill<IdRange<Entry, number>>({
      name: 'touch-entries',
      source: idRange(Entry),
      config: { ...FAST, batchSize: 20 },
      processRange: async ({ where }, { em }) => {
        const rows = await em.find(Entry, where);
        for (const row of rows) row.touches++;
        await em.flush();
        return rows.length;
      },
    });
    const { backfills, finished } = await bench.start(handler);
    await backfills.start('touch-entries');
    expect(await finished('touch-entries')).toMatchObject({ state: 'completed', done: 12, rowsDone: 230 });
    expect(await touched(1)).toBe(230);
  });

  it.each([
    ['keyset', () => keyset(Entry, { orderBy: newest, where: { state: 'new' } })],
    ['idRange', () => idRange(Entry, { where: { state: 'new' } })],
  ])('sweeps rows that were inserted behind the cursor and beyond the bounds: %s', async (_, source) => {
    await bench.fill(Entry, rowsOf(120).slice(10, 110));
    let batches = 0;
    const handler = defineBackfill<never, Entry>({
      name: 'touch-entries',
      guard: bench.guard,
      source: source(),
      config: { ...FAST, batchSize: 10 },
      verify: true,
      processBatch: async (rows) => {
        const inserted = [...rowsOf(5), ...rowsOf(120).slice(115)];
        if (++batches === 9) await bench.orm.em.fork().insertMany(Entry, inserted as never);
        for (const row of rows) {
          row.touches++;
          row.state = 'seen';
        }
      },
    });
    const { backfills, finished } = await bench.start(handler);
    await backfills.start('touch-entries');
    expect(await finished('touch-entries')).toMatchObject({
      state: 'completed',
      rowsDone: 110,
      verified: { left: 0 },
    });
    expect(await touched(1)).toBe(110);
  });

  it('accepts range.where in native updates', async () => {
    await bench.fill(Entry, rowsOf(97));
    const handler = defineBackfill<KeysetRange<Entry>>({
      name: 'touch-entries',
      source: keyset(Entry, { orderBy: newest, where: { state: 'new' } }),
      config: { ...FAST, batchSize: 10 },
      processRange: ({ where }, { em }) => em.nativeUpdate(Entry, where, { state: 'seen', touches: 1 }),
    });
    const { backfills, finished } = await bench.start(handler);
    await backfills.start('touch-entries');
    expect(await finished('touch-entries')).toMatchObject({ state: 'completed', done: 10, rowsDone: 97 });
    expect(await touched(1)).toBe(97);
  });

  it('refuses batch and row handlers for entities whose primary key is a time', async () => {
    const source = keyset(Moment, { orderBy: { name: 'asc' } });
    const touch = (row: Moment) => void row.touches++;
    for (const shape of [
      { processRow: touch },
      { processBatch: (rows: Moment[]) => rows.forEach(touch) },
    ] as const) {
      const handler = defineBackfill<never, Moment>({
        name: 'touch-moments',
        guard: bench.guard,
        source,
        ...shape,
      });
      await expect(bench.start(handler)).rejects.toMatchObject({
        code: 'BACKFILL_SOURCE_INVALID',
        message: expect.stringMatching(/touch-moments.*Moment \(id\): .*got a Date .*Use a range handler/),
      });
    }
  });

  it('hands each row to a range handler once, although the primary key is a time', async () => {
    const rows = Array.from({ length: 23 }, (_, i) => ({
      id: new Date(1e12 + i * 100),
      name: `n${i}`,
      touches: 0,
    }));
    await bench.fill(Moment, rows);
    const handler = defineBackfill<KeysetRange<Moment>>({
      name: 'touch-moments',
      source: keyset(Moment, { orderBy: { id: 'asc' } }),
      config: { ...FAST, batchSize: 5 },
      processRange: ({ where }, { em }) => em.nativeUpdate(Moment, where, { touches: 1 }),
    });
    const { backfills, finished } = await bench.start(handler);
    await backfills.start('touch-moments');
    expect(await finished('touch-moments')).toMatchObject({ state: 'completed', done: 5, rowsDone: 23 });
    expect(await bench.orm.em.fork().count(Moment, { touches: 1 })).toBe(23);
  });

  it('flushes what a batch handler changed', async () => {
    await bench.fill(Entry, rowsOf(95));
    const handler = defineBackfill<never, Entry>({
      name: 'touch-entries',
      guard: bench.guard,
      source: keyset(Entry, { orderBy: newest }),
      config: { ...FAST, batchSize: 10 },
      processBatch: (rows) => {
        for (const row of rows) row.touches++;
      },
    });
    const { backfills, finished } = await bench.start(handler);
    await backfills.start('touch-entries');
    expect(await finished('touch-entries')).toMatchObject({
      state: 'completed',
      rowsDone: 95,
      rowsTotal: 95,
    });
    expect(await touched(1)).toBe(95);
  });

  it('quarantines the rows that fail, and retries them', async () => {
    await bench.fill(Entry, rowsOf(60));
    let broken = true;
    const handler = defineBackfill<never, Entry>({
      name: 'touch-entries',
      guard: bench.guard,
      source: keyset(Entry, { orderBy: newest }),
      config: { ...FAST, batchSize: 10, rowConcurrency: 3, attempts: 2 },
      processRow: (row) => {
        row.touches++;
        if (broken && row.id % 20 === 7) throw new Error(`row ${row.id}`);
      },
    });
    const { backfills, finished } = await bench.start(handler);
    await backfills.start('touch-entries');
    expect(await finished('touch-entries')).toMatchObject({ state: 'failed', rowsDone: 57, rowsFailed: 3 });
    expect(await touched(1)).toBe(57);
    const { items } = await backfills.failures('touch-entries');
    expect(
      items.map(({ kind, key }) => ({ kind, key })).toSorted((a, b) => Number(a.key) - Number(b.key)),
    ).toEqual([7, 27, 47].map((key) => ({ kind: 'row', key })));
    broken = false;
    await backfills.retryFailures('touch-entries');
    expect(await finished('touch-entries')).toMatchObject({
      state: 'completed',
      rowsDone: 60,
      rowsFailed: 0,
    });
    expect(await touched(1)).toBe(60);
  });

  it.each(['range', 'batch'] as const)('isolates the row that fails a %s by halving', async (shape) => {
    await bench.fill(Entry, rowsOf(32));
    const check = (ids: readonly number[]) => {
      if (ids.includes(13)) throw new Error('13 is bad');
    };
    const handler = defineBackfill<KeysetRange<Entry>, Entry>({
      name: 'touch-entries',
      guard: bench.guard,
      source: keyset(Entry, { orderBy: newest }),
      config: { ...FAST, batchSize: 16, attempts: 1 },
      ...(shape === 'range'
        ? {
            processRange: async ({ where }, { em }) => {
              const rows = await em.find(Entry, where);
              check(rows.map(({ id }) => id));
              return em.nativeUpdate(Entry, where, { touches: 1 });
            },
          }
        : {
            processBatch: (rows) => {
              check(rows.map(({ id }) => id));
              for (const row of rows) row.touches++;
            },
          }),
    });
    const { backfills, finished } = await bench.start(handler);
    await backfills.start('touch-entries');
    expect(await finished('touch-entries')).toMatchObject({ state: 'failed', rowsDone: 31, rowsFailed: 1 });
    expect(await touched(1)).toBe(31);
  });

  it('pauses and resumes', async () => {
    await bench.fill(Entry, rowsOf(120));
    const handler = defineBackfill<never, Entry>({
      name: 'touch-entries',
      guard: bench.guard,
      source: keyset(Entry, { orderBy: newest }),
      config: { ...FAST, batchSize: 5, perSecondOnPeak: 6, perSecondOffPeak: 6 },
      processBatch: (rows) => {
        for (const row of rows) row.touches++;
      },
    });
    const { backfills, finished } = await bench.start(handler);
    await backfills.start('touch-entries');
    await eventually(
      'some ranges',
      () => backfills.status('touch-entries'),
      ({ done }) => done >= 3,
    );
    await backfills.pause('touch-entries');
    const { done } = await eventually(
      'the ranges in flight to end',
      () => backfills.status('touch-entries'),
      (status) => status.state === 'paused',
    );
    expect(done).toBeLessThan(24);
    await backfills.configure('touch-entries', { perSecondOnPeak: null, perSecondOffPeak: null });
    await backfills.resume('touch-entries');
    expect(await finished('touch-entries')).toMatchObject({ state: 'completed', done: 24, rowsDone: 120 });
    expect(await touched(1)).toBe(120);
  });

  it('previews the ranges', async () => {
    await bench.fill(Entry, rowsOf(20));
    const handler = defineBackfill({
      name: 'touch-entries',
      source: keyset(Entry, { orderBy: { shard: 'asc', at: 'asc' } }),
      config: { ...FAST, batchSize: 5, perSecondOnPeak: 1, perSecondOffPeak: 1 },
      processRange: () => undefined,
    });
    const { backfills } = await bench.start(handler);
    const preview = await backfills.preview('touch-entries');
    expect(preview).toMatchObject({ total: 4, rowsTotal: 20, rowsTotalKind: 'exact' });
    expect(preview.warnings.map(({ code }) => code)).toEqual(bench.driver.tellsIndex ? ['NO_INDEX'] : []);
    expect(preview.ranges[0]).toMatchObject({ first: { shard: 'eu', id: 1 }, last: { shard: 'eu', id: 5 } });
  });

  it('retries after a rate limit without using an attempt', async () => {
    await bench.fill(Entry, rowsOf(10));
    let calls = 0;
    const handler = defineBackfill<never, Entry>({
      name: 'touch-entries',
      guard: bench.guard,
      source: idRange(Entry),
      config: { ...FAST, batchSize: 10, attempts: 1 },
      processBatch: (rows) => {
        if (calls++ === 0) throw new RateLimitedError(50);
        for (const row of rows) row.touches++;
      },
    });
    const { backfills, finished } = await bench.start(handler);
    await backfills.start('touch-entries');
    expect(await finished('touch-entries')).toMatchObject({ state: 'completed', rowsDone: 10 });
    expect(await touched(1)).toBe(10);
  });

  it('refuses the ledger on databases other than PostgreSQL', async () => {
    const handler = defineBackfill({
      name: 'touch-entries',
      source: idRange(Entry),
      processRange: () => undefined,
    });
    await expect(bench.start(handler, { ledger: true })).rejects.toMatchObject({
      code: 'BACKFILL_DEFINITION_INVALID',
      message: expect.stringContaining(
        bench.driver.name === 'postgresql' ? '...BACKFILL_ENTITIES' : 'ledger: true, which needs PostgreSQL',
      ),
    });
  });
}
