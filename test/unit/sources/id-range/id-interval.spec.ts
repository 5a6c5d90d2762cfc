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
const spans = fc
  .tuple(fc.bigInt({ min: -(2n ** 70n), max: 2n ** 70n }), fc.bigInt({ min: 0n, max: 300n }))
  .map(([low, length]): IdInterval => ({ low, high: low + length }));

function walk(
  span: IdInterval,
  rows: number,
  way: 'asc' | 'desc',
  lengths: readonly number[],
  limit: number,
) {
  const all: IdStride[] = [];
  let cursor = firstId(span, way);
  for (let cycle = 0, exhausted = false; !exhausted; cycle++) {
    const cut = nextStrides(span, rows, way, cursor, lengths[cycle % lengths.length] ?? 1, limit);
    all.push(...cut.strides);
    ({ cursor, exhausted } = cut);
  }
  return all;
}

describe('nextStrides', () => {
  it('puts every id into exactly one stride, in order, even if the length changes between cycles', () => {
    fc.assert(
      fc.property(
        spans,
        direction,
        fc.array(fc.integer({ min: 1, max: 60 }), { minLength: 1, maxLength: 4 }),
        fc.integer({ min: 1, max: 5 }),
        fc.nat(10_000),
        (span, way, lengths, limit, rows) => {
          const strides = walk(span, rows, way, lengths, limit);
          let next = firstId(span, way);
          for (const { begin, end } of strides) {
            expect(begin <= end).toBe(true);
            expect(way === 'asc' ? begin : end).toBe(next);
            next = way === 'asc' ? end + 1n : begin - 1n;
          }
          expect(next).toBe(way === 'asc' ? span.high + 1n : span.low - 1n);
          expect(strides.reduce((sum, stride) => sum + stride.rows, 0)).toBe(rows);
          expect(strides.every((stride) => stride.rows >= 0)).toBe(true);
        },
      ),
    );
  });

  it('makes all strides but the last equally long', () => {
    fc.assert(
      fc.property(spans, direction, fc.integer({ min: 1, max: 60 }), (span, way, length) => {
        const strides = walk(span, 0, way, [length], 7);
        const lengths = strides.map(({ begin, end }) => Number(end - begin) + 1);
        expect(lengths.slice(0, -1).every((it) => it === length)).toBe(true);
        expect(strides).toHaveLength(countStrides(span, length));
      }),
    );
  });

  it('distributes few rows evenly', () => {
    const { strides } = nextStrides({ low: 1n, high: 100n }, 5, 'asc', 1n, 10, 100);
    expect(strides.map(({ rows }) => rows)).toEqual([0, 1, 0, 1, 0, 1, 0, 1, 0, 1]);
  });

  it('is exhausted beyond the interval', () => {
    const span = { low: 1n, high: 10n };
    expect(nextStrides(span, 10, 'desc', 0n, 5, 5)).toEqual({ strides: [], cursor: 0n, exhausted: true });
    expect(nextStrides(span, 10, 'asc', 11n, 5, 5)).toEqual({ strides: [], cursor: 11n, exhausted: true });
  });
});

describe('halveInterval', () => {
  it('splits down to single ids, in order, without a gap', () => {
    fc.assert(
      fc.property(spans, direction, (span, way) => {
        const leaves = (part: IdInterval): bigint[] => {
          const halves = halveInterval(part, way);
          if (halves.length === 0) return [part.low];
          const [left, right] = halves.map(countIds);
          expect(Math.abs(Number((left ?? 0n) - (right ?? 0n)))).toBeLessThanOrEqual(1);
          return halves.flatMap(leaves);
        };
        const ids = Array.from({ length: Number(countIds(span)) }, (_, i) => span.low + BigInt(i));
        expect(leaves(span)).toEqual(way === 'asc' ? ids : ids.toReversed());
      }),
      { numRuns: 30 },
    );
  });
});

describe('clampInterval', () => {
  const span = { low: 1n, high: 1000n };

  it('takes from and to in the given direction', () => {
    expect(clampInterval(span, 'desc', 500n, undefined)).toEqual({ low: 1n, high: 500n });
    expect(clampInterval(span, 'desc', 500n, 100n)).toEqual({ low: 100n, high: 500n });
    expect(clampInterval(span, 'asc', 500n, undefined)).toEqual({ low: 500n, high: 1000n });
    expect(clampInterval(span, 'asc', -7n, 2000n)).toEqual(span);
  });

  it('is undefined outside of the interval', () => {
    expect(clampInterval(span, 'asc', 1001n, undefined)).toBeUndefined();
    expect(clampInterval(span, 'desc', 0n, undefined)).toBeUndefined();
  });
});
