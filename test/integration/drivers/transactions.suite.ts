import { raw } from '@mikro-orm/core';
import { idRange, keyset, type IdRange } from 'nestjs-backfill';
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
  it('rolls back a dry run', async () => {
    const [at, shard] = [new Date(0), 'eu'];
    await bench.fill(
      Entry,
      Array.from({ length: 20 }, (_, i) => ({ id: i, code: `${i}`, at, shard, touches: 0, hidden: false })),
    );
    const seen: number[] = [];
    const handler = defineBackfill<never, Entry>({
      name: 'touch-entries',
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
