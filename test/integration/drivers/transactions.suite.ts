import { raw } from '@mikro-orm/core';
import { idRange, keyset, type BackfillContext, type IdRange } from 'nestjs-backfill';
import { batchExecute } from 'nestjs-backfill/migrations';
import { defineBackfill } from '../../support/apps/index.js';
import { type DriverBench, Entry } from './driver-bench.js';

/** For databases with row locks. */
export function deadlockSuite(bench: DriverBench): void {
  it('retries the victim of a deadlock without using an attempt', async () => {
    await bench.fill(
      Entry,
      [1, 2].map((id) => ({ id, code: `${id}`, at: new Date(0), shard: 'eu', touches: 0, hidden: false })),
    );
    let calls = 0;
    let bothHold: () => void = () => undefined;
    const held = new Promise<void>((resolve) => (bothHold = resolve));
    const handler = defineBackfill<IdRange<Entry, number>>({
      name: 'touch-entries',
      source: idRange(Entry),
      config: { batchSize: 1, perSecondOnPeak: null, perSecondOffPeak: null, concurrency: 2, attempts: 1 },
      processRange: ({ begin }, { em }) =>
        em.transactional(async (inner) => {
          await inner.nativeUpdate(Entry, { id: begin }, { touches: raw('touches + 1') });
          if (++calls === 2) bothHold();
          await held;
          await inner.nativeUpdate(Entry, { id: 3 - begin }, { touches: raw('touches + 1') });
          return 1;
        }),
    });
    const { backfills, finished } = await bench.start(handler);
    await backfills.start('touch-entries');
    expect(await finished('touch-entries')).toMatchObject({ state: 'completed', done: 2, rowsFailed: 0 });
    expect(calls).toBeGreaterThan(2);
    expect(await bench.orm.em.fork().count(Entry, { touches: 2 })).toBe(2);
  });
}

/** For databases with transactions. */
export function transactionsSuite(bench: DriverBench): void {
  it.each(['batch', 'row'] as const)('keeps what the app writes while a %s handler works', async (shape) => {
    const [at, shard] = [new Date(0), 'eu'];
    await bench.fill(
      Entry,
      Array.from({ length: 20 }, (_, i) => ({
        id: i,
        code: `${i}`,
        state: 'new',
        at,
        shard,
        touches: 0,
        hidden: false,
      })),
    );
    const times = new Map<number, number>();
    const handle = async (row: Entry, { em }: BackfillContext) => {
      // A connection of another pool would block a process with SQLite, whose driver is synchronous.
      const app = em.fork({ disableContextResolution: true });
      const count = (times.get(row.id) ?? 0) + 1;
      times.set(row.id, count);
      row.state += '!';
      if (count === 1 && row.id === 7) {
        await app.nativeUpdate(Entry, { id: 7 }, { state: 'app' });
      }
      if (count === 1 && row.id === 8) {
        await app.nativeDelete(Entry, { id: 8 });
      }
    };
    const handler = defineBackfill<never, Entry>({
      name: 'touch-entries',
      source: keyset(Entry, { orderBy: { id: 'asc' } }),
      // One batch: InnoDB locks every row that it scans of so small a table, those of other batches as well.
      config: { batchSize: 20, perSecondOnPeak: null, perSecondOffPeak: null },
      ...(shape === 'row'
        ? { processRow: handle }
        : {
            processBatch: async (rows: Entry[], context: BackfillContext) => {
              for (const row of rows) await handle(row, context);
            },
          }),
    });
    const { backfills, finished } = await bench.start(handler);
    await backfills.start('touch-entries');
    expect(await finished('touch-entries')).toMatchObject({
      state: 'completed',
      rowsDone: 20,
      rowsFailed: 0,
    });
    const rows = await bench.orm.em.fork().find(Entry, {}, { orderBy: { id: 'asc' } });
    expect(rows.map(({ id, state }) => [id, state])).toEqual(
      Array.from({ length: 20 }, (_, id) => [id, id === 7 ? 'app!' : 'new!']).filter(([id]) => id !== 8),
    );
    expect([times.get(6), times.get(7)]).toEqual([1, 2]);
  });

  it('rolls back a dry run', async () => {
    const [at, shard] = [new Date(0), 'eu'];
    await bench.fill(
      Entry,
      Array.from({ length: 20 }, (_, i) => ({ id: i, code: `${i}`, at, shard, touches: 0, hidden: false })),
    );
    const seen: number[] = [];
    const handler = defineBackfill<never, Entry>({
      name: 'touch-entries',
      guard: bench.guard,
      source: keyset(Entry, { orderBy: { id: 'asc' } }),
      config: { batchSize: 6, perSecondOnPeak: null, perSecondOffPeak: null, concurrency: 4 },
      processBatch: async (rows, { em, dryRun }) => {
        expect(dryRun).toBe(true);
        for (const row of rows) row.touches++;
        await em.flush();
        seen.push(await em.count(Entry, { touches: 1, id: { $in: rows.map(({ id }) => id) } }));
      },
    });
    const { backfills, finished } = await bench.start(handler);
    await backfills.start('touch-entries', { dryRun: true });
    expect(await finished('touch-entries')).toMatchObject({ state: 'completed', rowsDone: 20 });
    expect(seen.toSorted((a, b) => a - b)).toEqual([2, 6, 6, 6]);
    expect(await bench.orm.em.fork().count(Entry, { touches: 0 })).toBe(20);
  });

  it('updates a table in a migration', async () => {
    await bench.fill(
      Entry,
      Array.from({ length: 30 }, (_, i) => ({
        id: i * 3,
        code: `${i}`,
        at: new Date(0),
        shard: 'eu',
        touches: 0,
        hidden: false,
      })),
    );
    const { em } = bench.context();
    const done = await batchExecute(em, {
      table: 'entries',
      stepSize: 7,
      sql: ({ min, max }) => `update entries set touches = touches + 1 where id >= ${min} and id < ${max}`,
    });
    expect(done).toEqual({ steps: 10, rows: 30 });
    expect(await em.count(Entry, { touches: 1 })).toBe(30);
  });
}
