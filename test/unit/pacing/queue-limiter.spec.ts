import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { queueLimiter, shortestWindow } from '../../../lib/pacing/queue-limiter.js';

describe('queueLimiter', () => {
  it.each([
    [1 / 86_400, { max: 1, duration: 86_399_996 }],
    [0.5, { max: 1, duration: 1996 }],
    [1, { max: 1, duration: 996 }],
    [3, { max: 1, duration: 329 }],
    [7.5, { max: 1, duration: 129 }],
    [20, { max: 1, duration: 46 }],
    [100, { max: 5, duration: 25 }],
    [1000, { max: 50, duration: 25 }],
    [100_000, { max: 5000, duration: 25 }],
  ])('for %d a second is %j', (perSecond, limit) => {
    expect(queueLimiter(perSecond)).toEqual(limit);
  });

  it('keeps its window within a day for slower rates', () => {
    expect(queueLimiter(1e-9)).toEqual({ max: 1, duration: 86_400_000 });
  });

  it.each([0, -1, Number.NaN, Infinity])('has none for %d', (perSecond) => {
    expect(() => queueLimiter(perSecond)).toThrow(RangeError);
  });

  it('is never slower than the rate, and faster by at most 5 ms a range or twice where a window holds several', () => {
    const rates = fc
      .double({ min: Math.log(1 / 86_400), max: Math.log(100_000), noNaN: true })
      .map((exponent) => Math.exp(exponent));
    fc.assert(
      fc.property(rates, (perSecond) => {
        const { max, duration } = queueLimiter(perSecond);
        const exact = (max * 1000) / perSecond;
        const isFastEnough =
          max === 1
            ? duration > exact - 5.001 && (max * 1000) / duration / perSecond <= 1.25
            : duration > exact / 2 - 1.001 && duration <= 100;
        // One expectation a run: a thousand runs of several are slow. The failure has the rate.
        expect({
          max: Number.isInteger(max) && max >= 1,
          duration: Number.isInteger(duration) && duration >= 1 && duration < exact,
          isFastEnough,
        }).toEqual({ max: true, duration: true, isFastEnough: true });
      }),
      { numRuns: 1000 },
    );
  });
});

describe('the shortest window', () => {
  it.each([
    [[0.5], 1996],
    [[0.5, 3], 329],
    [[0.5, 0], 1996],
    [[20, 20], 46],
    [[0.5, 100], 0],
    [[0.5, null], 0],
    [[null], 0],
    [[0, 0], 0],
  ])('of the rates %j is %d ms', (rates, ms) => {
    expect(shortestWindow(...rates)).toBe(ms);
  });
});
