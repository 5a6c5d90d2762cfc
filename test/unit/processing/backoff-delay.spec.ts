import { describe, expect, it } from '@jest/globals';
import { backoffDelay } from '../../../lib/processing/decide-settlement.js';

describe('backoffDelay', () => {
  it('doubles with each attempt up to five minutes', () => {
    const delays = [1, 2, 3, 4, 9, 10, 100].map((attempt) => backoffDelay(attempt, 1000));
    expect(delays).toEqual([1000, 2000, 4000, 8000, 256_000, 300_000, 300_000]);
  });

  it('is 0 where backoffMs is 0, whatever the attempt', () => {
    expect([1, 5, 100].map((attempt) => backoffDelay(attempt, 0))).toEqual([0, 0, 0]);
  });

  it('keeps a delay that is longer than the cap, without doubling it', () => {
    expect([1, 2, 3].map((attempt) => backoffDelay(attempt, 600_000))).toEqual([600_000, 600_000, 600_000]);
  });

  it('stays finite past the attempts a config can ask for', () => {
    expect(backoffDelay(10_000, 1)).toBe(300_000);
  });
});
