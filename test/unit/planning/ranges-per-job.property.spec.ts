import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { rangesPerJob } from '../../../lib/planning/ranges-per-job.js';

const ranges = fc.integer({ min: 0, max: 100_000 });
const slots = fc.integer({ min: 1, max: 5000 });
const measured = fc.option(fc.double({ min: 0.001, max: 1e6, noNaN: true }), { nil: null });

describe('ranges of a job', () => {
  it('are never more than a worker starts within a second where they are paced', () => {
    fc.assert(
      fc.property(
        fc.double({ min: 0, max: 1e5, noNaN: true }),
        ranges,
        slots,
        measured,
        (rate, count, places, speed) => {
          const share = rangesPerJob(rate, count, places, speed);
          expect(share).toBeLessThanOrEqual(Math.max(1, rate / places));
          expect(share).toBeLessThanOrEqual(8);
          expect(Number.isInteger(share) && share >= 1).toBe(true);
        },
      ),
    );
  });

  it('share where they are paced fast, and not where the workers fall behind', () => {
    expect(rangesPerJob(1000, 10_000, 40, null)).toBe(8);
    expect(rangesPerJob(1000, 10_000, 40, 990)).toBe(8);
    expect(rangesPerJob(10, 36_000, 4, null)).toBe(2);
    expect(rangesPerJob(7.5, 450, 4, null)).toBe(1);
    expect(rangesPerJob(1000, 10_000, 40, 400)).toBe(1);
  });

  it('are from one to 32, and leave a job for every worker that could have one', () => {
    fc.assert(
      fc.property(ranges, slots, measured, (count, places, speed) => {
        const share = rangesPerJob(null, count, places, speed);
        expect(Number.isInteger(share)).toBe(true);
        expect(share).toBeGreaterThanOrEqual(1);
        expect(share).toBeLessThanOrEqual(32);
        expect(Math.ceil(count / share)).toBeGreaterThanOrEqual(Math.min(count, places));
      }),
    );
  });

  it('keep a worker busy for half a second', () => {
    const shares = [5, 24, 45, 90, 240, 300].map((ms) => rangesPerJob(null, 10_000, 4, 4_000 / ms));
    expect(shares).toEqual([32, 20, 11, 5, 2, 1]);
  });

  it('are one while nobody knows how long the rows of a range take', () => {
    expect(rangesPerJob(null, 10_000, 4, null, true)).toBe(1);
    expect(rangesPerJob(null, 10_000, 4, 100, true)).toBe(12);
  });

  it('are one where each takes long', () => {
    fc.assert(
      fc.property(
        ranges,
        slots,
        fc.double({ min: 251, max: 1e6, noNaN: true }),
        (count, places, msPerRange) => {
          expect(rangesPerJob(null, count, places, (places * 1000) / msPerRange)).toBe(1);
        },
      ),
    );
  });
});
