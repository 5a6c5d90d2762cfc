import { describe, expect, it } from '@jest/globals';
import { TimeWindow } from '../../../lib/throttles/time-window.js';

describe('a window of time', () => {
  it('has the quantiles of the values in it', () => {
    const window = new TimeWindow(1_000);
    expect(window.quantile(0.95)).toBe(0);
    for (let value = 1; value <= 100; value++) {
      window.add(value, value);
    }
    expect(window.mean).toBe(50.5);
    expect([0, 0.5, 0.95, 1].map((fraction) => window.quantile(fraction))).toEqual([1, 50, 95, 100]);
  });

  it('drops values as they age, but for the newest', () => {
    const window = new TimeWindow(1_000);
    window.add(1, 0);
    window.add(2, 500);
    window.expire(1_200);
    expect([window.size, window.quantile(1)]).toEqual([1, 2]);
    window.expire(99_000);
    expect([window.size, window.quantile(1)]).toEqual([1, 2]);
  });
});
