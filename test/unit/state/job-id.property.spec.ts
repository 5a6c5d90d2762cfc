import fc from 'fast-check';
import { decodeJob, encodeJob, encodeRequeuedJob, jobId } from '../../../lib/state/job-id.js';

const index = fc.nat({ max: 2 ** 40 });

describe('the suffix of a job id', () => {
  it('of new ranges says which they are', () => {
    fc.assert(
      fc.property(index, fc.integer({ min: 1, max: 32 }), (first, count) => {
        expect(decodeJob(encodeJob({ first, count }))).toEqual({ first, count });
      }),
    );
    expect(encodeJob({ first: 120, count: 8 })).toBe('120x8');
  });

  it('of a range that is queued again names it, and differs with each claim', () => {
    fc.assert(
      fc.property(index, fc.nat(), (first, claims) => {
        expect(decodeJob(encodeRequeuedJob(first, claims))).toEqual({ first, count: 1 });
        expect(encodeRequeuedJob(first, claims)).not.toBe(encodeRequeuedJob(first, claims + 1));
      }),
    );
    expect(encodeRequeuedJob(125, 2)).toBe('125a2');
  });

  it('follows the run id', () => {
    expect(jobId('m1', encodeJob({ first: 0, count: 1 }))).toBe('m1-0x1');
  });
});
