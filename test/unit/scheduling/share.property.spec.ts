import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { rangesPerJob } from '../../../lib/scheduling/share.js';

const ranges = fc.integer({ min: 0, max: 100_000 });
const slots = fc.integer({ min: 1, max: 5000 });
const measured = fc.option(fc.double({ min: 0.001, max: 1e6, noNaN: true }), { nil: null });

describe('ranges of a job', () => {
  it('are one where they are paced', () => {
    fc.assert(
      fc.property(fc.double({ min: 0, max: 1e5, noNaN: true }), ranges, slots, measured, (rate, ...rest) => {
        expect(rangesPerJob(rate, ...rest)).toBe(1);
      }),
    );
  });

  it('are from one to eight, and leave a job for every worker that could have one', () => {
    fc.assert(
      fc.property(ranges, slots, measured, (count, places, speed) => {
        const share = rangesPerJob(null, count, places, speed);
        expect(Number.isInteger(share)).toBe(true);
        expect(share).toBeGreaterThanOrEqual(1);
        expect(share).toBeLessThanOrEqual(8);
        expect(Math.ceil(count / share)).toBeGreaterThanOrEqual(Math.min(count, places));
      }),
    );
  });

  it('are one where each takes long', () => {
    fc.assert(
      fc.property(
        ranges,
        slots,
        fc.double({ min: 26, max: 1e6, noNaN: true }),
        (count, places, msPerRange) => {
          expect(rangesPerJob(null, count, places, (places * 1000) / msPerRange)).toBe(1);
        },
      ),
    );
  });
});
