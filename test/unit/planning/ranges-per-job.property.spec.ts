import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { rangesPerJob } from '../../../lib/planning/ranges-per-job.js';
import type { JobSizeRequest } from '../../../lib/planning/ranges-per-job.js';

const request = fc.record({
  available: fc.integer({ min: 0, max: 100_000 }),
  slots: fc.integer({ min: 1, max: 5000 }),
  measuredPerSecond: fc.option(fc.double({ min: 0.001, max: 1e6, noNaN: true }), { nil: null }),
});

function paced(
  perSecond: number,
  available: number,
  slots: number,
  measuredPerSecond: number | null,
): number {
  return rangesPerJob({ perSecond, available, slots, measuredPerSecond });
}

function unpaced(overrides: Partial<JobSizeRequest>): number {
  const usual = { perSecond: null, available: 10_000, slots: 4, measuredPerSecond: null };
  return rangesPerJob({ ...usual, ...overrides });
}

describe('ranges of a job', () => {
  it('are never more than a worker starts within a second where they are paced', () => {
    fc.assert(
      fc.property(fc.double({ min: 0, max: 1e5, noNaN: true }), request, (perSecond, rest) => {
        const size = rangesPerJob({ perSecond, ...rest });
        expect(size).toBeLessThanOrEqual(Math.max(1, perSecond / rest.slots));
        expect(size).toBeLessThanOrEqual(8);
        expect(Number.isInteger(size) && size >= 1).toBe(true);
      }),
    );
  });

  it('share a job at a high rate, unless the workers fall behind', () => {
    expect(paced(1000, 10_000, 40, null)).toBe(8);
    expect(paced(1000, 10_000, 40, 990)).toBe(8);
    expect(paced(10, 36_000, 4, null)).toBe(2);
    expect(paced(7.5, 450, 4, null)).toBe(1);
    expect(paced(1000, 10_000, 40, 400)).toBe(1);
  });

  it('are from one to 32, and leave a job for every worker that could have one', () => {
    fc.assert(
      fc.property(request, (rest) => {
        const size = rangesPerJob({ perSecond: null, ...rest });
        expect(Number.isInteger(size)).toBe(true);
        expect(size).toBeGreaterThanOrEqual(1);
        expect(size).toBeLessThanOrEqual(32);
        expect(Math.ceil(rest.available / size)).toBeGreaterThanOrEqual(Math.min(rest.available, rest.slots));
      }),
    );
  });

  it('keep a worker busy for half a second', () => {
    const sizes = [5, 24, 45, 90, 240, 300].map((ms) => unpaced({ measuredPerSecond: 4_000 / ms }));
    expect(sizes).toEqual([32, 20, 11, 5, 2, 1]);
  });

  it('are one where a handler processes rows and their speed is unknown', () => {
    expect(unpaced({ byRow: true })).toBe(1);
    expect(unpaced({ byRow: true, measuredPerSecond: 100 })).toBe(12);
  });

  it('are one where each takes long', () => {
    fc.assert(
      fc.property(request, fc.double({ min: 251, max: 1e6, noNaN: true }), (rest, msPerRange) => {
        const measuredPerSecond = (rest.slots * 1000) / msPerRange;
        expect(rangesPerJob({ perSecond: null, ...rest, measuredPerSecond })).toBe(1);
      }),
    );
  });
});
