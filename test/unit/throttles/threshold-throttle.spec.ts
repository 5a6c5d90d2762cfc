import { describe, expect, it } from '@jest/globals';
import { thresholdThrottle } from '../../../lib/throttles/threshold-throttle.js';
import type { ThrottleContext } from '../../../lib/throttles/backfill-throttle.js';

describe('a throttle of a number and two thresholds', () => {
  it.each([
    [0, 0],
    [10, 0],
    [15, 0.5],
    [20, 1],
    [1_000, 1],
  ])('has for %s the pressure %s', async (value, pressure) => {
    const throttle = thresholdThrottle({ name: 'depth', read: () => value, throttleAt: 10, stopAt: 20 });
    expect(await throttle.measure({} as ThrottleContext)).toEqual({ pressure, reason: `depth ${value}` });
  });

  it('takes scope, interval, policy and words', async () => {
    const throttle = thresholdThrottle({
      name: 'depth',
      read: async ({ backfill }) => backfill.length,
      throttleAt: 0,
      stopAt: 10,
      scope: 'process',
      everyMs: 100,
      onError: 'failClosed',
      reason: (value) => `${value} deep`,
    });
    expect(throttle).toMatchObject({ name: 'depth', scope: 'process', everyMs: 100, onError: 'failClosed' });
    expect(await throttle.measure({ backfill: 'five5' } as ThrottleContext)).toEqual({
      pressure: 0.5,
      reason: '5 deep',
    });
  });

  it.each([
    { throttleAt: 20, stopAt: 10 },
    { throttleAt: 10, stopAt: 10 },
    { throttleAt: NaN, stopAt: 10 },
    { throttleAt: 0, stopAt: 1, everyMs: 0 },
    { throttleAt: 0, stopAt: 1, everyMs: NaN },
  ])('refuses %j', (options) => {
    expect(() => thresholdThrottle({ name: 'depth', read: () => 0, ...options })).toThrow(RangeError);
  });
});
