import { setTimeout as sleep } from 'node:timers/promises';
import { Item, createAppBench, defineBackfill, eventually } from '../../support/apps/index.js';
import { idRange, keyset, type IdRange } from 'nestjs-backfill';

const bench = await createAppBench();
const quick = { perSecondOnPeak: null, perSecondOffPeak: null, backoffMs: 10 };
const items = () => bench.database.query<Item>('SELECT * FROM items ORDER BY id');

describe('processRange', () => {
  it('gets ids and a filter for exactly its rows, newest first', async () => {
    await bench.fillItems('SELECT generate_series(1, 95)');
    const ranges: IdRange[] = [];
    const touch = defineBackfill<IdRange<Item>>({
      name: 'touch',
      source: idRange(Item),
      config: { batchSize: 10, concurrency: 1, ...quick },
      processRange: async (range, { em }) => {
        ranges.push(range);
        return em.nativeUpdate(Item, range.where, { state: 'done' });
      },
    });
    const { backfills, finished } = await bench.start({ handlers: [touch] });
    await backfills.start('touch');
    expect(await finished('touch')).toMatchObject({ state: 'completed', planned: 10, rowsDone: 95 });
    expect(ranges.map(({ index, begin, end }) => [index, begin, end])).toEqual(
      Array.from({ length: 10 }, (_, i) => [i, Math.max(1, 86 - i * 10), 95 - i * 10]),
    );
    expect((await items()).every(({ state }) => state === 'done')).toBe(true);
  });
});

describe('processBatch', () => {
  it('gets loaded rows; its changes are flushed and its memory is released', async () => {
    await bench.fillItems('SELECT generate_series(1, 95)');
    const sizes: number[] = [];
    const managers: { getUnitOfWork(): { getIdentityMap(): { keys(): Iterable<unknown> } } }[] = [];
    const flushed = defineBackfill<never, Item>({
      name: 'flushed',
      source: keyset(Item, { orderBy: { id: 'asc' } }),
      config: { batchSize: 10, ...quick },
      processBatch: (rows, { em }) => {
        sizes.push(rows.length);
        managers.push(em);
        expect([...em.getUnitOfWork().getIdentityMap().keys()]).toHaveLength(rows.length);
        for (const row of rows) {
          row.touches++;
        }
      },
    });
    const { backfills, finished } = await bench.start({ handlers: [flushed] });
    await backfills.start('flushed');
    expect(await finished('flushed')).toMatchObject({ state: 'completed', planned: 10, rowsDone: 95 });
    expect(sizes.toSorted((a, b) => a - b)).toEqual([5, ...Array.from({ length: 9 }, () => 10)]);
    expect((await items()).every(({ touches }) => touches === 1)).toBe(true);
    expect(new Set(managers).size).toBe(10);
    for (const em of managers) {
      expect([...em.getUnitOfWork().getIdentityMap().keys()]).toEqual([]);
    }
  });

  it('writes nothing where it throws', async () => {
    await bench.fillItems('SELECT generate_series(1, 4)');
    const throwing = defineBackfill<never, Item>({
      name: 'throwing',
      source: keyset(Item, { orderBy: { id: 'asc' } }),
      config: { batchSize: 4, attempts: 1, ...quick },
      processBatch: (rows) => {
        for (const row of rows) {
          row.touches++;
        }
        if (rows.some(({ id }) => id === 3)) {
          throw new Error('not 3');
        }
      },
    });
    const { backfills, finished } = await bench.start({ handlers: [throwing] });
    await backfills.start('throwing');
    expect(await finished('throwing')).toMatchObject({ state: 'failed', rowsDone: 3, rowsFailed: 1 });
    expect((await items()).map(({ touches }) => touches)).toEqual([1, 1, 0, 1]);
    expect((await backfills.failures('throwing')).items).toMatchObject([
      { kind: 'row', error: { name: 'Error', message: 'not 3' } },
    ]);
  });
});

describe('processRow', () => {
  it('handles rowConcurrency rows at once, and no more', async () => {
    await bench.fillItems('SELECT generate_series(1, 40)');
    let active = 0;
    let most = 0;
    const busy = defineBackfill<never, Item>({
      name: 'busy',
      source: keyset(Item, { orderBy: { id: 'asc' } }),
      config: { batchSize: 20, concurrency: 1, rowConcurrency: 5, ...quick },
      processRow: async (row) => {
        most = Math.max(most, ++active);
        await sleep(10);
        row.touches++;
        active--;
      },
    });
    const { backfills, finished } = await bench.start({ handlers: [busy] });
    await backfills.start('busy');
    expect(await finished('busy')).toMatchObject({ state: 'completed', rowsDone: 40 });
    expect(most).toBe(5);
    expect((await items()).every(({ touches }) => touches === 1)).toBe(true);
  });

  it('isolates the rows that throw, whose changes are not flushed', async () => {
    await bench.fillItems('SELECT generate_series(1, 30)');
    const isolating = defineBackfill<never, Item>({
      name: 'isolating',
      source: keyset(Item, { orderBy: { id: 'asc' } }),
      config: { batchSize: 10, rowConcurrency: 3, attempts: 2, ...quick },
      processRow: async (row) => {
        row.touches++;
        await sleep(1);
        if (row.id % 10 === 0) {
          throw new RangeError(`no tens, got ${row.id}`);
        }
      },
    });
    const { backfills, finished } = await bench.start({ handlers: [isolating] });
    await backfills.start('isolating');
    expect(await finished('isolating')).toMatchObject({
      state: 'failed',
      planned: 3,
      done: 3,
      failed: 0,
      rowsDone: 27,
      rowsFailed: 3,
      lastError: { name: 'RangeError' },
    });
    expect((await items()).map(({ touches }) => touches)).toEqual(
      Array.from({ length: 30 }, (_, i) => ((i + 1) % 10 === 0 ? 0 : 1)),
    );
    const { items: failures } = await backfills.failures('isolating');
    expect(
      failures.map(({ kind, attempts, error: { message } }) => `${kind} ${attempts} ${message}`).toSorted(),
    ).toEqual(['row 2 no tens, got 10', 'row 2 no tens, got 20', 'row 2 no tens, got 30']);
  });
});

describe('dryRun', () => {
  it.each(['range', 'batch', 'row'])(
    'rolls back what a %s handler wrote, and is set in its context',
    async (shape) => {
      await bench.fillItems('SELECT generate_series(1, 20)');
      const seen: boolean[] = [];
      const touch = (row: Item) => void row.touches++;
      const rehearsed = defineBackfill<IdRange<Item>, Item>({
        name: 'rehearsed',
        source: idRange(Item),
        config: { batchSize: 10, ...quick },
        ...(shape === 'range' && {
          processRange: async ({ where }, { em, dryRun }) => {
            seen.push(dryRun);
            return em.nativeUpdate(Item, where, { touches: 9 });
          },
        }),
        ...(shape === 'batch' && {
          processBatch: (rows, { dryRun }) => {
            seen.push(dryRun);
            rows.forEach(touch);
          },
        }),
        ...(shape === 'row' && {
          processRow: (row, { dryRun }) => {
            seen.push(dryRun);
            touch(row);
          },
        }),
      });
      const { backfills, finished } = await bench.start({ handlers: [rehearsed] });
      await backfills.start('rehearsed', { dryRun: true });
      expect(await finished('rehearsed')).toMatchObject({ state: 'completed', dryRun: true, rowsDone: 20 });
      expect(seen).toEqual(Array.from({ length: shape === 'row' ? 20 : 2 }, () => true));
      expect((await items()).every(({ touches }) => touches === 0)).toBe(true);

      await backfills.start('rehearsed');
      expect(await finished('rehearsed')).toMatchObject({ state: 'completed', dryRun: false });
      expect((await items()).every(({ touches }) => touches > 0)).toBe(true);
    },
  );
});

describe('concurrency', () => {
  it('changes while ranges are in flight', async () => {
    await bench.fillItems('SELECT generate_series(1, 400)');
    let active = 0;
    let most = 0;
    const wide = defineBackfill<IdRange>({
      name: 'wide',
      source: idRange(Item),
      config: { batchSize: 1, concurrency: 1, ...quick },
      processRange: async () => {
        most = Math.max(most, ++active);
        await sleep(15);
        active--;
      },
    });
    const { backfills, finished } = await bench.start({ handlers: [wide] });
    await backfills.start('wide');
    await eventually(
      'some ranges',
      () => backfills.status('wide'),
      ({ done }) => done > 10,
    );
    expect(most).toBe(1);
    await backfills.configure('wide', { concurrency: 6 });
    await eventually(
      'six at once',
      () => most,
      (now) => now === 6,
    );
    await backfills.configure('wide', { concurrency: 2 });
    await eventually(
      'two at once at most',
      async () => {
        most = 0;
        await sleep(200);
        return most;
      },
      (now) => now <= 2,
    );
    await backfills.configure('wide', { concurrency: 20 });
    expect(await finished('wide')).toMatchObject({ state: 'completed', done: 400 });
  });
});

describe('sparse keys', () => {
  it('fill batches exactly: 1,000 rows over 10,000,000 ids are 10 ranges', async () => {
    await bench.fillItems(
      'SELECT 1 + (i * 9999.999)::int FROM generate_series(0, 999) AS i ORDER BY random()',
    );
    const sizes: number[] = [];
    const sparse = defineBackfill<never, Item>({
      name: 'sparse',
      source: keyset(Item, { orderBy: { id: 'desc' } }),
      config: { batchSize: 100, ...quick },
      processBatch: (rows) => void sizes.push(rows.length),
    });
    const { backfills, finished } = await bench.start({ handlers: [sparse] });
    await backfills.start('sparse');
    expect(await finished('sparse')).toMatchObject({
      state: 'completed',
      planned: 10,
      done: 10,
      rowsDone: 1000,
    });
    expect(sizes).toEqual(Array.from({ length: 10 }, () => 100));
  });
});

describe('start', () => {
  it('from 500 on ids 1..1000, newest first, touches 1..500 and nothing else', async () => {
    await bench.fillItems('SELECT generate_series(1, 1000)');
    const touch = defineBackfill<IdRange<Item>>({
      name: 'touch',
      source: idRange(Item),
      config: { batchSize: 30, ...quick },
      processRange: ({ where }, { em }) => em.nativeUpdate(Item, where, { state: 'done' }),
    });
    const { backfills, finished } = await bench.start({ handlers: [touch] });
    await backfills.start('touch', { from: 500 });
    expect(await finished('touch')).toMatchObject({ state: 'completed', rowsDone: 500 });
    const done = await bench.database.query<{ low: number; high: number; count: string }>(
      `SELECT min(id) AS low, max(id) AS high, count(*) FROM items WHERE state = 'done'`,
    );
    expect(done).toEqual([{ low: 1, high: 500, count: '500' }]);
  });

  it('reads its bounds once: rows inserted later are not part of the run', async () => {
    await bench.fillItems('SELECT generate_series(1, 100)');
    const touch = defineBackfill<IdRange<Item>>({
      name: 'touch',
      source: idRange(Item, { direction: 'asc' }),
      config: { batchSize: 10, ...quick, perSecondOnPeak: 0, perSecondOffPeak: 0 },
      processRange: ({ where }, { em }) => em.nativeUpdate(Item, where, { state: 'done' }),
    });
    const { backfills, finished } = await bench.start({ handlers: [touch] });
    await backfills.start('touch');
    await bench.database.query('INSERT INTO items (id) SELECT generate_series(101, 120)');
    await backfills.configure('touch', { perSecondOnPeak: null, perSecondOffPeak: null });
    expect(await finished('touch')).toMatchObject({ state: 'completed', rowsDone: 100 });
    expect((await items()).filter(({ state }) => state === 'done')).toHaveLength(100);
  });
});
