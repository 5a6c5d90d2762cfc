import { raw } from '@mikro-orm/core';
import { describeFilter } from '../../../lib/sources/describe-filter.js';

class Money {
  constructor(readonly cents: number) {}
}

describe('describeFilter', () => {
  it.each<[string, unknown, unknown]>([
    ['no filter and an empty one', undefined, {}],
    ['the order of properties', { a: 1, b: { $gt: 1, $lt: 9 } }, { b: { $lt: 9, $gt: 1 }, a: 1 }],
    ['the order of alternatives', { $or: [{ a: 1 }, { b: 2 }] }, { $or: [{ b: 2 }, { a: 1 }] }],
    ['the order of a list of values', { a: { $in: [3, 1, 2] } }, { a: { $in: [1, 2, 3] } }],
    ['$eq', { a: 1 }, { a: { $eq: 1 } }],
    ['a property that is undefined', { a: 1 }, { a: 1, b: undefined }],
    [
      'dates of the start of the app',
      { at: { $lt: new Date('2026-01-05T10:11:12.345Z') } },
      { at: { $lt: new Date('2026-02-06T11:12:13.456Z') } },
    ],
    [
      'times of the start of the app as text and as epoch milliseconds',
      { at: { $lt: '2026-01-05T10:11:12.345Z' }, ms: 1767607872345 },
      { at: { $lt: '2026-02-06T11:12:13.456Z' }, ms: 1770376333456 },
    ],
    ['raw conditions that are made anew', { [raw('a > 1')]: [] }, { [raw('a > 1')]: [] }],
    ['raw values that are made anew', { a: { $lt: raw('now()') } }, { a: { $lt: raw('now()') } }],
  ])('is the same for %s', (_, left, right) => {
    expect(describeFilter(left)).toBe(describeFilter(right));
  });

  it.each<[string, unknown, unknown]>([
    ['a value', { a: 1 }, { a: 2 }],
    ['the type of a value', { a: 1 }, { a: '1' }],
    ['an operator', { a: { $lt: 1 } }, { a: { $lte: 1 } }],
    ['null', { a: null }, { a: { $ne: null } }],
    ['a date', { at: { $lt: new Date('2026-01-01') } }, { at: { $lt: new Date('2026-01-02') } }],
    ['a time as text', { at: { $lt: '2026-01-01T00:00:00Z' } }, { at: { $lt: '2026-01-02T00:00:00Z' } }],
    ['a computed time and none', { at: { $lt: new Date('2026-01-05T10:11:12.345Z') } }, {}],
    ['a bigint', { a: 2n ** 60n }, { a: 2n ** 60n + 1n }],
    ['object of a class', { a: new Money(1) }, { a: new Money(2) }],
    ['bytes', { a: Buffer.from('a') }, { a: Buffer.from('b') }],
    ['a pattern', { a: /x/ }, { a: /x/i }],
    ['a raw condition', { [raw('a > 1')]: [] }, { [raw('a > 2')]: [] }],
    ['the parameters of a raw condition', { [raw('a > ?', [1])]: [] }, { [raw('a > ?', [2])]: [] }],
    ['a raw value', { a: raw('1') }, { a: raw('2') }],
    ['the end of a long list', { a: { $in: ids(999) } }, { a: { $in: ids(1000) } }],
  ])('differs for another %s', (_, left, right) => {
    expect(describeFilter(left)).not.toBe(describeFilter(right));
  });

  it('stays short', () => {
    expect(describeFilter({ a: { $in: ids(100_000) } }).length).toBeLessThan(500);
  });
});

function ids(count: number): number[] {
  return Array.from({ length: count }, (_, i) => i);
}
