import { excludesNull } from '../../../lib/sources/keys/excludes-null.js';
import { DatabaseTime } from '../../../lib/sources/keys/key-codec.js';
import type { KeyProperty } from '../../../lib/sources/keys/key-property.js';
import { pairBatches } from '../../../lib/sources/keys/key-reader.js';
import { parseKeyValue } from '../../../lib/sources/keys/key-value.js';
import { intervalFilter } from '../../../lib/sources/keys/interval-filter.js';
import { runQuery } from '../../../lib/sources/run-query.js';
import { estimateEmptyRanges, isSparse, sampleRanges } from '../../../lib/sources/id-range/sparse-ids.js';

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

  it('looks into embeddables', () => {
    expect(excludesNull({ place: { city: { $ne: null } } }, 'place.city')).toBe(true);
    expect(excludesNull({ place: null }, 'place.city')).toBe(false);
  });
});

describe('parseKeyValue', () => {
  const property = (kind: KeyProperty['kind'], integer = false): KeyProperty => ({
    path: 'key',
    column: 'key',
    columnType: '',
    kind,
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
      new DatabaseTime('2020-01-01T00:00:00.000001Z', new Date('2020-01-01')),
    ],
  ])('%# reads a value of the type, or its text', (of, value, expected) => {
    expect(parseKeyValue(of, value)).toEqual(expected);
  });
});

describe('intervalFilter', () => {
  const columns = [
    { path: 'status', direction: 'asc' },
    { path: 'place.city', direction: 'desc' },
  ] as const;

  it('is one plain filter within a group', () => {
    expect(
      intervalFilter(columns, {
        lower: { values: [1, 'x'], inclusive: true },
        upper: { values: [1, 'x'], inclusive: true },
      }),
    ).toEqual({ status: 1, place: { city: 'x' } });
  });

  it('names the whole stretch and the parts of it', () => {
    expect(
      intervalFilter(columns, {
        lower: { values: [1, 'x'], inclusive: true },
        upper: { values: [4, 'y'], inclusive: true },
      }),
    ).toEqual({
      status: { $gte: 1, $lte: 4 },
      $or: [
        { status: { $eq: 1, $lt: 4 }, place: { city: { $lte: 'x' } } },
        { status: { $gt: 1, $lt: 4 } },
        { status: { $eq: 4, $gt: 1 }, place: { city: { $gte: 'y' } } },
      ],
    });
  });

  it('is nothing where both ends are open', () => {
    expect(intervalFilter(columns, {})).toBeUndefined();
  });
});

describe('pairBatches', () => {
  it('pairs the rows that begin and end a batch', () => {
    const rows = new Map([1, 3, 4, 6, 7].map((number) => [number, [number]]));
    expect(pairBatches(rows, 7, 3)).toEqual([
      { first: [1], last: [3], rows: 3 },
      { first: [4], last: [6], rows: 3 },
      { first: [7], last: [7], rows: 1 },
    ]);
  });

  it('does not pass over a gap', () => {
    expect(() => pairBatches(new Map([[1, [1]]]), 3, 3)).toThrow(
      'Expected rows 1 and 3 of the walk, got a gap',
    );
  });
});

describe('runQuery', () => {
  it('lets errors through as they are', async () => {
    const error = Object.assign(new Error('canceling statement due to statement timeout'), { code: '57014' });
    const context = { em: undefined as never, backfill: 'b', signal: new AbortController().signal };
    await expect(runQuery(context, () => Promise.reject(error))).rejects.toBe(error);
  });

  it('stops waiting when aborted, and hears the late error out', async () => {
    const stop = new AbortController();
    let fail: (error: Error) => void = () => {};
    const query = new Promise<never>((_, reject) => {
      fail = reject;
    });
    const running = runQuery({ em: undefined as never, backfill: 'b', signal: stop.signal }, () => query);
    stop.abort(new Error('enough'));
    await expect(running).rejects.toThrow('enough');
    fail(new Error('too late'));
    await expect(query).rejects.toThrow('too late');
  });
});

describe('sparse ids', () => {
  it('samples every range where there are few, else an even spread', () => {
    expect(sampleRanges(3, 32)).toEqual([0, 1, 2]);
    expect(sampleRanges(100, 4)).toEqual([12, 37, 62, 87]);
    expect(sampleRanges(0, 4)).toEqual([]);
  });

  it('never takes more ranges to be full than there are rows', () => {
    expect(estimateEmptyRanges(100_000, 1000, 32, 16)).toBe(99_000);
    expect(estimateEmptyRanges(100, 10_000, 32, 16)).toBe(50);
    expect(estimateEmptyRanges(10, 5, 10, 3)).toBe(3);
    expect(estimateEmptyRanges(0, 0, 0, 0)).toBe(0);
  });

  it('warns from a tenth of the ranges on', () => {
    expect(isSparse(100, 10)).toBe(true);
    expect(isSparse(100, 9)).toBe(false);
    expect(isSparse(1, 1)).toBe(false);
  });
});
