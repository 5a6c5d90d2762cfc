import { drawRows } from '../../../lib/processing/draw-rows.js';

const RUNS = 4_000;

/** How far counts may be from their mean: six standard deviations of their chi-square statistic. */
function expectEven(counts: readonly number[], mean: number): void {
  const chiSquare = counts.reduce((sum, count) => sum + (count - mean) ** 2 / mean, 0);
  expect(chiSquare).toBeLessThan(counts.length + 6 * Math.sqrt(2 * counts.length));
}

describe('drawRows', () => {
  it('draws the same rows for the same seed, and more of the same where the limit is higher', () => {
    const few = drawRows('run|range', 100, 0.1, 100);
    expect(drawRows('run|range', 100, 0.1, 100)).toEqual(few);
    expect(drawRows('run|range', 100, 0.3, 100).slice(0, few.length)).toEqual(few);
    expect(drawRows('another', 100, 0.1, 100)).not.toEqual(few);
  });

  it('draws each row once, in the order of their numbers, which are at most the limit', () => {
    const all = drawRows('seed', 50, 1, 50);
    expect(all.map(({ position }) => position).toSorted((a, b) => a - b)).toEqual(
      Array.from({ length: 50 }, (_, i) => i),
    );
    expect(all.map(({ number }) => number)).toEqual(
      all.map(({ number }) => number).toSorted((a, b) => a - b),
    );
    expect(drawRows('seed', 50, 0.5, 50).every(({ number }) => number <= 0.5)).toBe(true);
    expect(drawRows('seed', 50, 1, 7)).toEqual(all.slice(0, 7));
    expect(drawRows('seed', 0, 1, 7)).toEqual([]);
  });

  it('draws all rows with the same probability, which is the limit', () => {
    const counts = Array.from({ length: 40 }, () => 0);
    for (let run = 0; run < RUNS; run++) {
      for (const { position } of drawRows(`seed ${run}`, 40, 0.2, 40)) {
        counts[position] = (counts[position] ?? 0) + 1;
      }
    }
    expectEven(counts, RUNS * 0.2);
  });

  it('has numbers that are evenly spread, also those of each row', () => {
    const ofRow = Array.from({ length: 10 }, () => 0);
    const ofAll = Array.from({ length: 10 }, () => 0);
    for (let run = 0; run < RUNS; run++) {
      for (const { position, number } of drawRows(`seed ${run}`, 10, 1, 10)) {
        const bin = Math.floor(number * 10);
        ofAll[bin] = (ofAll[bin] ?? 0) + 1;
        if (position === 3) ofRow[bin] = (ofRow[bin] ?? 0) + 1;
      }
    }
    expectEven(ofAll, RUNS);
    expectEven(ofRow, RUNS / 10);
  });
});
