import fc from 'fast-check';
import { nextBatchSize } from '../../../lib/planning/next-batch-size.js';

const tune = { targetMs: 500, min: 10, max: 1_000 };

/** What the loop comes to with rows that take so long, in so many cycles. */
function settle(from: number, msPerRow: number, cycles = 30): number[] {
  const sizes = [from];
  for (let i = 0; i < cycles; i++) {
    sizes.push(nextBatchSize(sizes.at(-1) ?? from, msPerRow, tune));
  }
  return sizes;
}

describe('the next batch size', () => {
  it('grows to the target where rows are fast, at most by half at once', () => {
    const sizes = settle(100, 1);
    expect(sizes[1]).toBe(150);
    expect(sizes.at(-1)).toBeGreaterThanOrEqual(450);
    expect(sizes.at(-1)).toBeLessThanOrEqual(550);
  });

  it('shrinks to the target where rows are slow, at most to the half at once', () => {
    const sizes = settle(400, 10);
    expect(sizes[1]).toBe(200);
    expect(sizes.at(-1)).toBeGreaterThanOrEqual(45);
    expect(sizes.at(-1)).toBeLessThanOrEqual(55);
  });

  it('stays between its bounds, and stands still once it is there, whatever a row takes', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 10, max: 1_000 }),
        fc.double({ min: 0.01, max: 1_000, noNaN: true }),
        (from, msPerRow) => {
          const sizes = settle(from, msPerRow);
          expect(sizes.every((size) => size >= tune.min && size <= tune.max)).toBe(true);
          expect(sizes.at(-1)).toBe(sizes.at(-2));
        },
      ),
    );
  });
});
