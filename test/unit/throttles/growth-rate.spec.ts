import { describe, expect, it } from '@jest/globals';
import { GrowthRate } from '../../../lib/throttles/growth-rate.js';

describe('the growth of a count', () => {
  it('is that of the last seconds', () => {
    const rate = new GrowthRate(5_000);
    expect(rate.add(1_000, 0)).toBe(0);
    expect(rate.add(2_000, 1_000)).toBe(1_000);
    for (let second = 2; second <= 20; second++) {
      rate.add(2_000, second * 1_000);
    }
    expect(rate.add(2_000, 21_000)).toBe(0);
    expect(rate.add(12_000, 22_000)).toBe(2_000);
  });

  it('spans a pause that is longer than the window', () => {
    const rate = new GrowthRate(5_000);
    rate.add(0, 0);
    expect(rate.add(60_000, 60_000)).toBe(1_000);
  });

  it('starts again with the count, as after a failover', () => {
    const rate = new GrowthRate(5_000);
    rate.add(50_000, 0);
    expect(rate.add(10, 1_000)).toBe(0);
    expect(rate.add(110, 2_000)).toBe(100);
    expect(rate.add(200, 1_500)).toBe(0);
  });
});
