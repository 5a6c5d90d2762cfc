import { toBatches } from '../../../../lib/sources/keys/key-reader.js';

describe('toBatches', () => {
  it('pairs the first and last row of each batch', () => {
    const rows = new Map([1, 3, 4, 6, 7].map((number) => [number, [number]]));
    expect(toBatches(rows, 7, 3)).toEqual([
      { first: [1], last: [3], rows: 3 },
      { first: [4], last: [6], rows: 3 },
      { first: [7], last: [7], rows: 1 },
    ]);
  });

  it('throws if a boundary is missing', () => {
    expect(() => toBatches(new Map([[1, [1]]]), 3, 3)).toThrow(
      'Expected the keys of rows 1 and 3, got a gap',
    );
  });
});
