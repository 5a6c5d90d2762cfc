import { estimateEmptyRanges, isSparse, sampleRanges } from '../../../../lib/sources/id-range/sparse-ids.js';

describe('sparse ids', () => {
  it('samples all of a few ranges, or an even spread of many', () => {
    expect(sampleRanges(3, 32)).toEqual([0, 1, 2]);
    expect(sampleRanges(100, 4)).toEqual([12, 37, 62, 87]);
    expect(sampleRanges(0, 4)).toEqual([]);
  });

  it('never estimates more non-empty ranges than rows', () => {
    expect(estimateEmptyRanges(100_000, 1000, 32, 16)).toBe(99_000);
    expect(estimateEmptyRanges(100, 10_000, 32, 16)).toBe(50);
    expect(estimateEmptyRanges(10, 5, 10, 3)).toBe(3);
    expect(estimateEmptyRanges(0, 0, 0, 0)).toBe(0);
  });

  it('are sparse if a tenth of the ranges is empty', () => {
    expect(isSparse(100, 10)).toBe(true);
    expect(isSparse(100, 9)).toBe(false);
    expect(isSparse(1, 1)).toBe(false);
  });
});
