import { walkChanges } from '../../../lib/state/walk-changes.js';

describe('walkChanges', () => {
  it('names each part that differs or is gone, and none that is new', () => {
    expect(
      walkChanges(
        { order: 'id asc', where: 'none', 'partition eu': 'a', 'partition us': null, 'partition asia': null },
        { order: 'id desc', where: 'none', 'partition us': 'b', 'partition africa': 'c' },
      ),
    ).toEqual([
      'order was id asc and is id desc',
      'partition eu was a and is gone',
      'partition asia is gone',
    ]);
  });

  it('finds no difference in equal walks', () => {
    expect(walkChanges({ order: 'id asc' }, { order: 'id asc' })).toEqual([]);
  });
});
