import { excludesNull } from '../../../lib/sources/plain-filter.js';

describe('excludesNull', () => {
  it.each([
    [{ at: { $ne: null } }, true],
    [{ $and: [{ id: 1 }, { at: { $ne: null, $lt: 5 } }] }, true],
    [[undefined, { at: { $ne: null } }], true],
    [{ $or: [{ at: { $ne: null } }, { id: 1 }] }, false],
    [{ at: { $ne: 5 } }, false],
    [{ at: { $gt: 5 } }, false],
    [{ at: null }, false],
    [undefined, false],
  ])('%j: %s', (filter, expected) => {
    expect(excludesNull(filter, 'at')).toBe(expected);
  });

  it('descends into embeddables', () => {
    expect(excludesNull({ address: { city: { $ne: null } } }, 'address.city')).toBe(true);
    expect(excludesNull({ address: null }, 'address.city')).toBe(false);
  });
});
