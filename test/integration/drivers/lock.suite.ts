import { keyset } from 'nestjs-backfill';
import type { BackfillSource } from 'nestjs-backfill';
import { defineBackfill } from '../../support/apps/index.js';
import { Entry, type DriverBench } from './driver-bench.js';

/** The guard `lock`, for databases with transactions. */
export function lockSuite(bench: DriverBench): void {
  it('locks rows as others left them before the handler has them', async () => {
    const entry = { state: 'new', at: new Date(0), shard: 'eu', touches: 0, hidden: false };
    await bench.fill(
      Entry,
      Array.from({ length: 20 }, (_, i) => ({ ...entry, id: i, code: `${i}` })),
    );
    const source = keyset(Entry, { orderBy: { id: 'asc' } });
    let disturbed = false;
    const disturbing = Object.assign(Object.create(source) as typeof source, {
      load: async (...args: Parameters<NonNullable<BackfillSource['load']>>) => {
        const rows = await source.load?.(...(args as unknown as [never, never, never]));
        if (!disturbed) {
          disturbed = true;
          const app = args[0].em.fork({ disableContextResolution: true });
          await app.nativeUpdate(Entry, { id: 3 }, { state: 'app' });
          await app.nativeDelete(Entry, { id: 4 });
        }
        return rows;
      },
    });
    const handler = defineBackfill<never, Entry>({
      name: 'touch-entries',
      guard: 'lock',
      source: disturbing,
      config: { batchSize: 6, perSecondOnPeak: null, perSecondOffPeak: null, concurrency: 1 },
      processBatch: async (rows: Entry[], { em }) => {
        rows.forEach((row) => (row.state += '!'));
        await em.flush();
        // It is the transaction of the handler.
        expect(await em.count(Entry, { id: { $in: rows.map(({ id }) => id) }, touches: 0 })).toBe(
          rows.length,
        );
      },
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
      Array.from({ length: 20 }, (_, id) => [id, id === 3 ? 'app!' : 'new!']).filter(([id]) => id !== 4),
    );
  });
}
