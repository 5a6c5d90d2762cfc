import { roundedRate } from '../../../lib/state/pace.js';

describe('a rate that is shown', () => {
  it.each([
    // Of 133,333 microseconds between two ranges.
    [1_000_000 / 133_333, 7.5],
    [10 / 3, 3.3333],
    [0.0123456, 0.012346],
    [12_345, 12_345],
    [100_000, 100_000],
    [0, 0],
  ])('%d is %d', (perSecond, rounded) => {
    expect(roundedRate(perSecond)).toBe(rounded);
  });

  it('is null where it is unpaced', () => {
    expect(roundedRate(null)).toBeNull();
  });
});
