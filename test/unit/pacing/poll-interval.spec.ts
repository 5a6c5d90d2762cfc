import { describe, expect, it } from '@jest/globals';
import { pauseAfter, reportExpiry, throttleInterval } from '../../../lib/pacing/poll-interval.js';

describe('the interval of a throttle', () => {
  it.each([
    [{}, 1_000],
    [{ everyMs: 200 }, 200],
    [{ everyMs: 60_000 }, 60_000],
    [{ everyMs: 1 }, 50],
    [{ everyMs: NaN }, 50],
  ])('of %j is %s ms', (throttle, ms) => {
    expect(throttleInterval(throttle)).toBe(ms);
  });

  it.each([
    [0, 200, 200],
    [50, 200, 150],
    [150, 200, 150],
    [900, 200, 900],
    [2_000, 200, 1_000],
  ])('a measurement of %s ms at an interval of %s is followed by a pause of %s', (elapsed, every, ms) => {
    expect(pauseAfter(elapsed, every)).toBe(ms);
  });

  it.each([
    [50, 5_000],
    [1_000, 5_000],
    [60_000, 122_000],
  ])('a report of every %s ms counts for %s', (every, ms) => {
    expect(reportExpiry(every)).toBe(ms);
  });
});
