import { DatabaseTimestamp } from '../../../../lib/sources/keys/database-timestamp.js';
import type { KeyProperty } from '../../../../lib/sources/keys/key-property.js';
import { parseKeyValue } from '../../../../lib/sources/keys/key-value.js';

describe('parseKeyValue', () => {
  const property = (type: KeyProperty['type'], integer = false): KeyProperty => ({
    path: 'key',
    column: 'key',
    columnType: '',
    type,
    integer,
    nullable: false,
    precision: undefined,
  });
  it.each([
    [property('number', true), '12', 12],
    [property('number', true), 12n, 12],
    [property('number', true), '9007199254740993', undefined],
    [property('number', true), 1.5, undefined],
    [property('bigint', true), '9007199254740993', 9007199254740993n],
    [property('bigint', true), -3, -3n],
    [property('bigint', true), '', undefined],
    [property('string', true), 7, '7'],
    [property('string', true), 'x', undefined],
    [property('string'), 'x', 'x'],
    [property('string'), 7, undefined],
    [property('boolean'), 'true', true],
    [property('boolean'), false, false],
    [property('boolean'), 1, undefined],
    [property('bytes'), 'ff', undefined],
    [property('date'), new Date(NaN), undefined],
    [property('date'), 0, undefined],
    [
      property('date'),
      '2020-01-01T00:00:00.000001Z',
      new DatabaseTimestamp('2020-01-01T00:00:00.000001Z', new Date('2020-01-01')),
    ],
  ])('%# accepts a value of the type, or its text', (of, value, expected) => {
    expect(parseKeyValue(of, value)).toEqual(expected);
  });
});
