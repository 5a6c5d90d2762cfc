import fc from 'fast-check';
import type { JsonValue } from '../../../../lib/sources/backfill-source.js';
import {
  decodeKeyValue,
  encodeKeyValue,
  toEntityValue,
  toFilterValue,
  toReadableValue,
} from '../../../../lib/sources/keys/key-codec.js';
import { DatabaseTimestamp, parseTimestamp } from '../../../../lib/sources/keys/database-timestamp.js';

const throughJson = (value: JsonValue) => JSON.parse(JSON.stringify(value)) as JsonValue;

const micros = fc
  .tuple(
    fc.date({ noInvalidDate: true, min: new Date('0001-01-01T00:00Z'), max: new Date('9999-12-31T00:00Z') }),
    fc.integer({ min: 0, max: 999 }),
    fc.constantFrom('+00', '+05:30', '-08', 'Z', ''),
  )
  .map(([date, micro, offset]) => {
    const text = `${date.toISOString().slice(0, 23).replace('T', ' ')}${String(micro).padStart(3, '0')}${offset}`;
    return new DatabaseTimestamp(text, new Date(parseTimestamp(text)));
  });

const keys = fc.oneof(
  fc.string({ unit: 'binary' }),
  fc.double(),
  fc.integer(),
  fc.bigInt(),
  fc.boolean(),
  fc.constant(null),
  fc.uuid(),
  fc.date({ noInvalidDate: false }),
  fc.uint8Array(),
  fc.uint8Array().map((bytes) => Buffer.from(bytes)),
  micros,
  micros.map(({ text }) => new DatabaseTimestamp(text, new Date(0))),
  micros.map(({ text }) => new DatabaseTimestamp(text, new Date(NaN))),
);

/** Jest treats two invalid dates as different, and 0 and -0 as equal. */
function plain(value: unknown): unknown {
  if (value instanceof DatabaseTimestamp) return ['time', value.text, String(value.date.getTime())];
  if (value instanceof Date) return ['date', String(value.getTime())];
  return Object.is(value, -0) ? ['-0'] : value;
}

describe('encodeKeyValue and decodeKeyValue', () => {
  it('round-trip every value with its type', () => {
    fc.assert(
      fc.property(keys, (value) => {
        const decoded = decodeKeyValue(throughJson(encodeKeyValue(value)));
        expect(plain(decoded)).toStrictEqual(plain(value));
      }),
      { numRuns: 1000 },
    );
  });

  it('leave JSON values unchanged', () => {
    expect([5, 'five', true, null].map(encodeKeyValue)).toEqual([5, 'five', true, null]);
  });

  it('keep microseconds, which a Date cannot represent', () => {
    const time = new DatabaseTimestamp('2020-11-11 02:04:11.891234+00', new Date('2020-11-11T02:04:11.891Z'));
    expect(encodeKeyValue(time)).toEqual({ t: '2020-11-11 02:04:11.891234+00' });
    expect(toFilterValue(time)).toBe('2020-11-11 02:04:11.891234+00');
    expect(toEntityValue(time)).toEqual(new Date('2020-11-11T02:04:11.891Z'));
  });

  it('decode an ObjectId to its hex string', () => {
    const id = { toHexString: () => '507f1f77bcf86cd799439011' };
    expect(decodeKeyValue(throughJson(encodeKeyValue(id)))).toBe('507f1f77bcf86cd799439011');
  });

  it.each([{}, [], undefined, () => 1, Symbol('key')])('refuse to encode %p', (value) => {
    expect(() => encodeKeyValue(value)).toThrow(TypeError);
  });

  it.each([{}, { x: '1' }, { i: '1', d: '2' }, { i: 1 }, [1], { t: 5 }])('refuse to decode %j', (json) => {
    expect(() => decodeKeyValue(json as JsonValue)).toThrow(TypeError);
  });
});

describe('toReadableValue', () => {
  it('formats values without type tags', () => {
    const time = new DatabaseTimestamp('2020-11-11 02:04:11.891234+00', new Date());
    expect(
      [2n ** 60n, new Date(0), new Date(NaN), Buffer.from('ff', 'hex'), time, 'a', 1].map(toReadableValue),
    ).toEqual([
      '1152921504606846976',
      '1970-01-01T00:00:00.000Z',
      'Invalid Date',
      'ff',
      '2020-11-11 02:04:11.891234+00',
      'a',
      1,
    ]);
  });
});
