import fc from 'fast-check';
import { decodePace, encodePace, toPace, toPerSecond } from '../../../lib/state/pace.js';

describe('a pace', () => {
  it('is stored as the microseconds between two ranges', () => {
    fc.assert(
      fc.property(fc.double({ min: 0.001, max: 1000, noNaN: true }), (perSecond) => {
        const stored = encodePace({ kind: 'paced', perSecond });
        const read = toPerSecond(decodePace(stored)) ?? Number.NaN;
        expect(Number.isInteger(stored)).toBe(true);
        expect(Math.abs(read / perSecond - 1)).toBeLessThan(0.001);
      }),
    );
  });

  it.each([
    [null, 'unpaced', 0],
    [0, 'held', -1],
  ] as const)('of the rate %p is %s, stored as %d', (perSecond, kind, stored) => {
    expect(toPace(perSecond)).toEqual({ kind });
    expect(encodePace(toPace(perSecond))).toBe(stored);
    expect(toPerSecond(decodePace(stored))).toBe(perSecond);
  });

  it('is unpaced before a rate has been applied', () => {
    expect(decodePace(undefined)).toEqual({ kind: 'unpaced' });
  });
});
