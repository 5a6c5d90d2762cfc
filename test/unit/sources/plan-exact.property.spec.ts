import fc from 'fast-check';
import { cutTo, planExact, plansExactly } from '../../../lib/sources/plan-exact.js';
import { numbers } from '../../support/apps/number.source.js';

const context = { backfill: 'b', em: null as never };
const size = fc.integer({ min: 1, max: 60 });

describe('ranges of a canary', () => {
  it('are whole ones and at last a shorter one, of as many rows as are left', async () => {
    await fc.assert(
      fc.asyncProperty(
        size,
        size,
        fc.integer({ min: 1, max: 8 }),
        size,
        async (rows, batchSize, limit, total) => {
          const handed: number[] = [];
          let cursor: unknown = null;
          let exhausted = false;
          let left = rows;
          for (let pages = 0; pages < 100 && left > 0 && !exhausted; pages++) {
            const request = { partition: '', bounds: { low: 1, high: total }, cursor: cursor as never };
            const plan = await planExact(numbers(total), context, {
              ...request,
              batchSize,
              limit,
              rows: left,
            });
            for (const range of plan.ranges) {
              expect(range.rows).toBeLessThanOrEqual(Math.min(batchSize, left));
              left -= range.rows;
              handed.push(range.rows);
            }
            ({ cursor, exhausted } = plan);
          }
          expect(handed.reduce((sum, each) => sum + each, 0)).toBe(Math.min(rows, total));
          expect(handed.slice(0, -1).every((each) => each === batchSize)).toBe(true);
        },
      ),
    );
  });

  it('never ask for more rows than are left', () => {
    fc.assert(
      fc.property(size, size, size, (batchSize, limit, rows) => {
        const cut = cutTo({ batchSize, limit }, rows);
        expect(cut.batchSize * cut.limit).toBeLessThanOrEqual(rows);
        expect(cut.limit).toBeGreaterThan(0);
      }),
    );
  });
});

it.each([
  [{}, true, true],
  [{}, false, false],
  [{ estimatesRows: true }, true, false],
  [{ countPlanned: () => Promise.resolve(0) }, false, true],
  [{ estimatesRows: true, planExact: () => Promise.reject(new Error('not called')) }, false, true],
])('a source with %j and a total that is exact: %j counts: %j', (methods, totalExact, counts) => {
  expect(plansExactly({ ...numbers(1), ...methods }, totalExact)).toBe(counts);
});
