import fc from 'fast-check';
import {
  clampInterval,
  countStrides,
  nextStrides,
  halveInterval,
  type IdInterval,
  type IdStride,
  countIds,
  firstId,
} from '../../../../lib/sources/id-range/id-interval.js';

const direction = fc.constantFrom('asc' as const, 'desc' as const);
const intervals = fc
  .tuple(fc.bigInt({ min: -(2n ** 70n), max: 2n ** 70n }), fc.bigInt({ min: 0n, max: 300n }))
  .map(([low, length]): IdInterval => ({ low, high: low + length }));

function allStrides(
  interval: IdInterval,
  rows: number,
  way: 'asc' | 'desc',
  lengths: readonly number[],
  limit: number,
) {
  const all: IdStride[] = [];
  let cursor = firstId(interval, way);
  for (let cycle = 0, exhausted = false; !exhausted; cycle++) {
    const cut = nextStrides(interval, rows, way, cursor, lengths[cycle % lengths.length] ?? 1, limit);
    all.push(...cut.strides);
    ({ cursor, exhausted } = cut);
  }
  return all;
}

describe('nextStrides', () => {
  it('puts every id into exactly one stride, in order, even if the length changes between cycles', () => {
    fc.assert(
      fc.property(
        intervals,
        direction,
        fc.array(fc.integer({ min: 1, max: 60 }), { minLength: 1, maxLength: 4 }),
        fc.integer({ min: 1, max: 5 }),
        fc.nat(10_000),
        (interval, way, lengths, limit, rows) => {
          const strides = allStrides(interval, rows, way, lengths, limit);
          let next = firstId(interval, way);
          for (const { begin, end } of strides) {
            expect(begin <= end).toBe(true);
            expect(way === 'asc' ? begin : end).toBe(next);
            next = way === 'asc' ? end + 1n : begin - 1n;
          }
          expect(next).toBe(way === 'asc' ? interval.high + 1n : interval.low - 1n);
          expect(strides.reduce((sum, stride) => sum + stride.rows, 0)).toBe(rows);
          expect(strides.every((stride) => stride.rows >= 0)).toBe(true);
        },
      ),
    );
  });

  it('makes all strides but the last equally long', () => {
    fc.assert(
      fc.property(intervals, direction, fc.integer({ min: 1, max: 60 }), (interval, way, length) => {
        const strides = allStrides(interval, 0, way, [length], 7);
        const lengths = strides.map(({ begin, end }) => Number(end - begin) + 1);
        expect(lengths.slice(0, -1).every((it) => it === length)).toBe(true);
        expect(strides).toHaveLength(countStrides(interval, length));
      }),
    );
  });

  it('distributes few rows evenly', () => {
    const { strides } = nextStrides({ low: 1n, high: 100n }, 5, 'asc', 1n, 10, 100);
    expect(strides.map(({ rows }) => rows)).toEqual([0, 1, 0, 1, 0, 1, 0, 1, 0, 1]);
  });

  it('is exhausted beyond the interval', () => {
    const interval = { low: 1n, high: 10n };
    expect(nextStrides(interval, 10, 'desc', 0n, 5, 5)).toEqual({ strides: [], cursor: 0n, exhausted: true });
    expect(nextStrides(interval, 10, 'asc', 11n, 5, 5)).toEqual({
      strides: [],
      cursor: 11n,
      exhausted: true,
    });
  });
});

describe('halveInterval', () => {
  it('splits down to single ids, in order, without a gap', () => {
    fc.assert(
      fc.property(intervals, direction, (interval, way) => {
        const leaves = (part: IdInterval): bigint[] => {
          const halves = halveInterval(part, way);
          if (halves.length === 0) return [part.low];
          const [left, right] = halves.map(countIds);
          expect(Math.abs(Number((left ?? 0n) - (right ?? 0n)))).toBeLessThanOrEqual(1);
          return halves.flatMap(leaves);
        };
        const ids = Array.from({ length: Number(countIds(interval)) }, (_, i) => interval.low + BigInt(i));
        expect(leaves(interval)).toEqual(way === 'asc' ? ids : ids.toReversed());
      }),
      { numRuns: 30 },
    );
  });
});

describe('clampInterval', () => {
  const interval = { low: 1n, high: 1000n };

  it('takes from and to in the given direction', () => {
    expect(clampInterval(interval, 'desc', 500n, undefined)).toEqual({ low: 1n, high: 500n });
    expect(clampInterval(interval, 'desc', 500n, 100n)).toEqual({ low: 100n, high: 500n });
    expect(clampInterval(interval, 'asc', 500n, undefined)).toEqual({ low: 500n, high: 1000n });
    expect(clampInterval(interval, 'asc', -7n, 2000n)).toEqual(interval);
  });

  it('is undefined outside of the interval', () => {
    expect(clampInterval(interval, 'asc', 1001n, undefined)).toBeUndefined();
    expect(clampInterval(interval, 'desc', 0n, undefined)).toBeUndefined();
  });
});
