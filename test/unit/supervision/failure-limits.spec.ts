import { describe, expect, it } from '@jest/globals';
import { allowedFailures } from '../../../lib/supervision/allowed-failures.js';

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
