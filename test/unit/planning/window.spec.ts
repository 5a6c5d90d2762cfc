import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import {
  leastOutstanding,
  rangesToPlan,
  targetOutstanding,
  type WindowRequest,
} from '../../../lib/planning/window.js';

function target(request: Partial<WindowRequest>): number {
  const usual = { duration: 60, maxOutstanding: 10_000, perSecond: 3, measuredPerSecond: null, floor: 8 };
  return targetOutstanding({ ...usual, ...request });
}

describe('targetOutstanding', () => {
  it('is so many seconds of work at the rate, rounded up', () => {
    expect(target({})).toBe(180);
    expect(target({ perSecond: 7.5 })).toBe(450);
    expect(target({ perSecond: 0.51 })).toBe(31);
    expect(target({ perSecond: 1 / 86_400 })).toBe(1);
  });

  it('is not rounded up because of floating point error', () => {
    expect(100 * 1.1).toBeGreaterThan(110);
    expect(target({ duration: 100, perSecond: 1.1 })).toBe(110);
  });

  it('never passes maxOutstanding', () => {
    expect(target({ perSecond: 100_000 })).toBe(10_000);
    expect(target({ perSecond: null, measuredPerSecond: 5000 })).toBe(10_000);
    expect(target({ perSecond: null, maxOutstanding: 3 })).toBe(3);
  });

  it('is 0 while held, whatever was measured', () => {
    expect(target({ perSecond: 0, measuredPerSecond: 50 })).toBe(0);
  });

  it('follows what was measured where it is unpaced, and the floor before that', () => {
    expect(target({ perSecond: null })).toBe(8);
    expect(target({ perSecond: null, measuredPerSecond: 0 })).toBe(8);
    expect(target({ perSecond: null, measuredPerSecond: 0.01 })).toBe(8);
    expect(target({ perSecond: null, measuredPerSecond: 20 })).toBe(1200);
  });
});

describe('leastOutstanding', () => {
  it('is some ranges for each slot, and 100 for few slots', () => {
    expect(leastOutstanding(4, 60, null, { done: 0, elapsedMs: 0 })).toBe(100);
    expect(leastOutstanding(50, 60, null, { done: 0, elapsedMs: 3 })).toBe(1000);
  });

  it('is what was done in a second, until the speed has been measured', () => {
    const sinceStart = { done: 600, elapsedMs: 40 };
    expect(leastOutstanding(50, 60, null, sinceStart)).toBe(15_000);
    expect(leastOutstanding(50, 60, 0.1, sinceStart)).toBe(1000);
  });

  it('is no more than the work of the duration where that is shorter', () => {
    expect(leastOutstanding(50, 0.1, null, { done: 600, elapsedMs: 40 })).toBe(1_500);
    expect(leastOutstanding(50, 0.01, null, { done: 600, elapsedMs: 40 })).toBe(1_000);
  });

  it('never asks for fewer because ranges are slow, or for more than is finite', () => {
    expect(leastOutstanding(50, 60, null, { done: 3, elapsedMs: 60_000 })).toBe(1000);
    expect(leastOutstanding(4, 60, null, { done: 50, elapsedMs: -20 })).toBe(50_000);
  });
});

describe('rangesToPlan', () => {
  it('fills the window up to its target', () => {
    expect(rangesToPlan(89, 180)).toBe(91);
  });

  it('is 0 while held, and when the target has shrunk below what is outstanding', () => {
    expect(rangesToPlan(0, 0)).toBe(0);
    expect(rangesToPlan(180, 10)).toBe(0);
  });

  it('is above 0 for an empty window unless held, and never exceeds maxOutstanding', () => {
    const requests = fc.record({
      duration: fc.double({ min: 1e-3, max: 86_400, noNaN: true }),
      maxOutstanding: fc.integer({ min: 1, max: 1_000_000 }),
      perSecond: fc.option(fc.double({ min: 1e-6, max: 100_000, noNaN: true }), { nil: null }),
      measuredPerSecond: fc.option(fc.double({ min: 0, max: 100_000, noNaN: true }), { nil: null }),
      floor: fc.integer({ min: 1, max: 1000 }),
    });
    fc.assert(
      fc.property(requests, fc.nat(2_000_000), (request, outstanding) => {
        const wanted = targetOutstanding(request);
        expect(Number.isInteger(wanted)).toBe(true);
        expect(wanted).toBeLessThanOrEqual(request.maxOutstanding);

        expect(rangesToPlan(0, wanted)).toBeGreaterThan(0);
        expect(outstanding + rangesToPlan(outstanding, wanted)).toBe(Math.max(outstanding, wanted));
      }),
    );
  });
});
