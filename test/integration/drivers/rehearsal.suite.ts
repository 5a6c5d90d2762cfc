import { keyset } from 'nestjs-backfill';
import { defineBackfill } from '../../support/apps/index.js';
import { type DriverBench, Entry } from './driver-bench.js';

const entries = (count: number) =>
  Array.from({ length: count }, (_, id) => ({
    id,
    code: `${id}`,
    state: 'new',
    at: new Date(0),
    shard: 'eu',
    touches: 0,
    hidden: false,
  }));
const touching = (bench: DriverBench) =>
  defineBackfill<never, Entry>({
    name: 'touch-entries',
    guard: bench.guard,
    source: keyset(Entry, { orderBy: { id: 'asc' } }),
    processBatch: (rows) => rows.forEach((row) => (row.touches = row.id + 1)),
  });

/** For SQL databases. */
export function rehearsalSuite(bench: DriverBench): void {
  it('shows each row before and after, and writes nothing', async () => {
    await bench.fill(Entry, entries(20));
    const { backfills } = await bench.start(touching(bench));
    const result = await backfills.rehearse('touch-entries', { rows: 10 });
    expect(result).toMatchObject({ untouched: 0, errors: [], committed: null, batches: 5 });
    expect(result.rows).toHaveLength(10);
    for (const { key, before, after, changed } of result.rows) {
      expect(changed).toEqual(['touches']);
      expect(before).toMatchObject({ id: String(Number(key)), state: 'new', touches: '0' });
      expect(after).toMatchObject({ id: String(Number(key)), touches: String(Number(key) + 1) });
    }
    expect(result.statements.perBatch).toBeGreaterThanOrEqual(2);
    expect(await bench.orm.em.fork().count(Entry, { touches: 0 })).toBe(20);
  });

  it('names a handler that commits by itself', async () => {
    await bench.fill(Entry, entries(20));
    const handler = defineBackfill<never, Entry>({
      name: 'touch-entries',
      guard: bench.guard,
      source: keyset(Entry, { orderBy: { id: 'asc' } }),
      processBatch: async (rows, { em }) => {
        await em.nativeUpdate(Entry, { id: { $in: rows.map(({ id }) => id) } }, { touches: 5 });
        await Reflect.apply(Reflect.get(em, 'execute') as (sql: string) => Promise<unknown>, em, ['commit']);
      },
    });
    const { backfills } = await bench.start(handler);
    const { committed, batches } = await backfills.rehearse('touch-entries', { rows: 10 });
    expect(committed).toContain('Rows that were not rolled back');
    expect(batches).toBe(1);
  });
}

/** For databases that cannot be rehearsed on. */
export function noRehearsalSuite(bench: DriverBench): void {
  it('refuses to rehearse, and says what is missing', async () => {
    await bench.fill(Entry, entries(3));
    const { backfills } = await bench.start(touching(bench));
    await expect(backfills.rehearse('touch-entries')).rejects.toThrow(/expected rehearse to be .*database/);
    expect(await bench.orm.em.fork().count(Entry, { touches: 0 })).toBe(3);
  });
}
