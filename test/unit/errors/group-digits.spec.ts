import { groupDigits } from '../../../lib/errors/group-digits.js';

describe('groupDigits', () => {
  it.each([
    [0, '0'],
    [999, '999'],
    [1_000, '1,000'],
    [86_400_000, '86,400,000'],
    [1_000_000_000, '1,000,000,000'],
  ])('writes %d as %s', (whole, text) => {
    expect(groupDigits(whole)).toBe(text);
    expect(whole.toLocaleString('en-US')).toBe(text);
  });
});
