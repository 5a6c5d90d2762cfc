import { intervalFilter } from '../../../../lib/sources/keys/interval-filter.js';

describe('intervalFilter', () => {
  const columns = [
    { path: 'status', direction: 'asc' },
    { path: 'address.city', direction: 'desc' },
  ] as const;

  it('is a single conjunction for equal bounds', () => {
    expect(
      intervalFilter(columns, {
        lower: { values: [1, 'x'], inclusive: true },
        upper: { values: [1, 'x'], inclusive: true },
      }),
    ).toEqual({ status: 1, address: { city: 'x' } });
  });

  it('is the range of the first column and a disjunction', () => {
    expect(
      intervalFilter(columns, {
        lower: { values: [1, 'x'], inclusive: true },
        upper: { values: [4, 'y'], inclusive: true },
      }),
    ).toEqual({
      status: { $gte: 1, $lte: 4 },
      $or: [
        { status: { $eq: 1, $lt: 4 }, address: { city: { $lte: 'x' } } },
        { status: { $gt: 1, $lt: 4 } },
        { status: { $eq: 4, $gt: 1 }, address: { city: { $gte: 'y' } } },
      ],
    });
  });

  it('is undefined if both ends are open', () => {
    expect(intervalFilter(columns, {})).toBeUndefined();
  });
});
