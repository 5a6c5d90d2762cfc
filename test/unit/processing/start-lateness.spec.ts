import { describe, expect, it } from '@jest/globals';
import { StartLateness } from '../../../lib/processing/start-lateness.js';

describe('starts that came late', () => {
  it('count once, by the latest of them, as far as they exceed the usual lateness of timers', () => {
    const lateness = new StartLateness();
    [1, 22, 15, 2].forEach((late) => lateness.record(late, 100));
    expect(lateness.takeExcess()).toBe(20);
    expect(lateness.takeExcess()).toBe(0);
  });

  it('do not count where all are late by the same: their intervals are even then', () => {
    const lateness = new StartLateness();
    lateness.record(10, 0);
    lateness.takeExcess();
    for (let now = 5; now < 500; now += 5) {
      lateness.record(10, now);
    }
    expect(lateness.takeExcess()).toBeLessThan(0.1);
  });

  it('count again once the process was not busy for a while', () => {
    const lateness = new StartLateness();
    lateness.record(20, 0);
    lateness.takeExcess();
    lateness.record(1, 10_000);
    lateness.record(20, 10_001);
    expect(lateness.takeExcess()).toBeCloseTo(18);
  });
});
