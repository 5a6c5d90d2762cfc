import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { gateFor } from '../../../lib/scheduling/gate.js';

describe('gateFor', () => {
  it.each([
    [1 / 86_400, { max: 1, duration: 86_399_998 }],
    [0.5, { max: 1, duration: 1998 }],
    [1, { max: 1, duration: 998 }],
    [3, { max: 1, duration: 331 }],
    [7.5, { max: 1, duration: 131 }],
    [20, { max: 1, duration: 48 }],
    [100, { max: 5, duration: 48 }],
    [1000, { max: 50, duration: 48 }],
    [100_000, { max: 5000, duration: 48 }],
  ])('for %d a second is %j', (perSecond, gate) => {
    expect(gateFor(perSecond)).toEqual(gate);
  });

  it('keeps its window within a day for slower rates', () => {
    expect(gateFor(1e-9)).toEqual({ max: 1, duration: 86_400_000 });
  });

  it.each([0, -1, Number.NaN, Infinity])('has none for %d', (perSecond) => {
    expect(() => gateFor(perSecond)).toThrow(RangeError);
  });

  it('is never slower than the rate, and faster by at most 3 ms a window and 10 %', () => {
    const rates = fc
      .double({ min: Math.log(1 / 86_400), max: Math.log(100_000), noNaN: true })
      .map((exponent) => Math.exp(exponent));
    fc.assert(
      fc.property(rates, (perSecond) => {
        const { max, duration } = gateFor(perSecond);
        expect(Number.isInteger(max) && max >= 1).toBe(true);
        expect(Number.isInteger(duration) && duration >= 1).toBe(true);
        const exact = (max * 1000) / perSecond;
        expect(duration).toBeLessThan(exact);
        expect(duration).toBeGreaterThan(exact - 3.001);
        expect((max * 1000) / duration / perSecond).toBeLessThanOrEqual(1.1);
        if (max > 1) expect(duration).toBeLessThanOrEqual(100);
      }),
      { numRuns: 1000 },
    );
  });
});
