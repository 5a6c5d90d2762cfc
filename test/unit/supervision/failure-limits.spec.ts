import { describe, expect, it } from '@jest/globals';
import { allowedFailures } from '../../../lib/supervision/allowed-failures.js';
import { backoffDelay } from '../../../lib/processing/backoff-delay.js';

describe('backoffDelay', () => {
  it('doubles with each attempt up to five minutes', () => {
    const delays = [1, 2, 3, 4, 9, 10, 100].map((attempt) => backoffDelay(attempt, 1000));
    expect(delays).toEqual([1000, 2000, 4000, 8000, 256_000, 300_000, 300_000]);
  });

  it('waits not at all when told so, however many attempts', () => {
    expect([1, 5, 100].map((attempt) => backoffDelay(attempt, 0))).toEqual([0, 0, 0]);
  });

  it('keeps a delay that is longer than the cap, without doubling it', () => {
    expect([1, 2, 3].map((attempt) => backoffDelay(attempt, 600_000))).toEqual([600_000, 600_000, 600_000]);
  });

  it('stays finite past the attempts a config can ask for', () => {
    expect(backoffDelay(10_000, 1)).toBe(300_000);
  });
});

describe('allowedFailures', () => {
  it('allows any number without a limit, and a number as it is', () => {
    expect(allowedFailures(null, 10)).toBe(Infinity);
    expect(allowedFailures(0, 10)).toBe(0);
    expect(allowedFailures(7, 1_000_000)).toBe(7);
  });

  it('takes a percentage of what was worked off, of at least a hundred', () => {
    expect(allowedFailures('5%', 0)).toBe(5);
    expect(allowedFailures('5%', 100)).toBe(5);
    expect(allowedFailures('5%', 1000)).toBe(50);
    expect(allowedFailures('0.5%', 1000)).toBe(5);
    expect(allowedFailures('0%', 1000)).toBe(0);
  });
});
