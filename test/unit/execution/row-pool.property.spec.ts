import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { handleRows } from '../../../lib/execution/row-pool.js';

/** What a row does: succeed or throw, at once or after some turns of the event loop. */
const rows = fc.array(fc.record({ fails: fc.boolean(), turns: fc.nat({ max: 4 }), sync: fc.boolean() }), {
  maxLength: 40,
});
type Row = { readonly fails: boolean; readonly turns: number; readonly sync: boolean };

function handler(observe: { active: number; most: number; begun: Row[] }) {
  const end = (row: Row) => {
    if (row.fails) {
      throw new Error('no');
    }
  };
  return (row: Row): Promise<void> | void => {
    observe.begun.push(row);
    if (row.sync) {
      return end(row);
    }
    return (async () => {
      observe.most = Math.max(observe.most, ++observe.active);
      for (let i = 0; i < row.turns; i++) {
        await Promise.resolve();
      }
      observe.active--;
      end(row);
    })();
  };
}

const fresh = () => ({ active: 0, most: 0, begun: [] as Row[] });

describe('the rows of a range', () => {
  it('each end done or failed, so many at once, whichever others throw', async () => {
    await fc.assert(
      fc.asyncProperty(rows, fc.integer({ min: 1, max: 10 }), async (all, concurrency) => {
        const seen = fresh();
        const { done, failed, skipped } = await handleRows(
          all,
          () => concurrency,
          handler(seen),
          () => false,
        );
        expect(skipped).toEqual([]);
        expect(new Set(done)).toEqual(new Set(all.filter(({ fails }) => !fails)));
        expect(new Set(failed.map(({ row }) => row))).toEqual(new Set(all.filter(({ fails }) => fails)));
        expect(done.length + failed.length).toBe(all.length);
        expect(seen.begun).toEqual(all);
        expect(seen.most).toBeLessThanOrEqual(concurrency);
      }),
    );
  });

  it('are skipped once it is stopped; those in flight are waited for', async () => {
    await fc.assert(
      fc.asyncProperty(
        rows,
        fc.integer({ min: 1, max: 10 }),
        fc.nat({ max: 40 }),
        async (all, concurrency, most) => {
          const seen = fresh();
          const { done, failed, skipped } = await handleRows(
            all,
            () => concurrency,
            handler(seen),
            () => seen.begun.length >= most,
          );
          const begun = Math.min(all.length, most);
          expect(seen.begun).toEqual(all.slice(0, begun));
          expect(skipped).toEqual(all.slice(begun));
          expect(done.length + failed.length).toBe(begun);
          expect(seen.active).toBe(0);
        },
      ),
    );
  });

  it('are at least one at once, and more as soon as the config says so', async () => {
    let concurrency = 0;
    const seen = fresh();
    const handle = handler(seen);
    await handleRows(
      Array.from({ length: 20 }, () => ({ fails: false, turns: 3, sync: false })),
      () => concurrency,
      (row) => {
        concurrency = seen.begun.length >= 10 ? 5 : 0;
        return handle(row);
      },
      () => false,
    );
    expect(seen.begun).toHaveLength(20);
    expect(seen.most).toBe(5);
  });
});
