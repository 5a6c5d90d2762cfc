import fc from 'fast-check';
import {
  clipSpan,
  countStrides,
  cutStrides,
  halveIds,
  type IdSpan,
  type IdStride,
  spanLength,
  startOf,
} from '../../../../lib/sources/id-range/id-interval.js';

const direction = fc.constantFrom('asc' as const, 'desc' as const);
const spans = fc
  .tuple(fc.bigInt({ min: -(2n ** 70n), max: 2n ** 70n }), fc.bigInt({ min: 0n, max: 300n }))
  .map(([low, length]): IdSpan => ({ low, high: low + length }));

function walk(span: IdSpan, rows: number, way: 'asc' | 'desc', lengths: readonly number[], limit: number) {
  const all: IdStride[] = [];
  let cursor = startOf(span, way);
  for (let cycle = 0, exhausted = false; !exhausted; cycle++) {
    const cut = cutStrides(span, rows, way, cursor, lengths[cycle % lengths.length] ?? 1, limit);
    all.push(...cut.strides);
    ({ cursor, exhausted } = cut);
  }
  return all;
}

describe('cutStrides', () => {
  it('puts every id into exactly one stride, in order, even when the length changes on the way', () => {
    fc.assert(
      fc.property(
        spans,
        direction,
        fc.array(fc.integer({ min: 1, max: 60 }), { minLength: 1, maxLength: 4 }),
        fc.integer({ min: 1, max: 5 }),
        fc.nat(10_000),
        (span, way, lengths, limit, rows) => {
          const strides = walk(span, rows, way, lengths, limit);
          let next = startOf(span, way);
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

  it('makes all strides but the last of one length', () => {
    fc.assert(
      fc.property(spans, direction, fc.integer({ min: 1, max: 60 }), (span, way, length) => {
        const strides = walk(span, 0, way, [length], 7);
        const lengths = strides.map(({ begin, end }) => Number(end - begin) + 1);
        expect(lengths.slice(0, -1).every((it) => it === length)).toBe(true);
        expect(strides).toHaveLength(countStrides(span, length));
      }),
    );
  });

  it('shares few rows out evenly', () => {
    const { strides } = cutStrides({ low: 1n, high: 100n }, 5, 'asc', 1n, 10, 100);
    expect(strides.map(({ rows }) => rows)).toEqual([0, 1, 0, 1, 0, 1, 0, 1, 0, 1]);
  });

  it('has nothing left beyond the span', () => {
    const span = { low: 1n, high: 10n };
    expect(cutStrides(span, 10, 'desc', 0n, 5, 5)).toEqual({ strides: [], cursor: 0n, exhausted: true });
    expect(cutStrides(span, 10, 'asc', 11n, 5, 5)).toEqual({ strides: [], cursor: 11n, exhausted: true });
  });
});

describe('halveIds', () => {
  it('cuts down to single ids, in the order of the walk, without a gap', () => {
    fc.assert(
      fc.property(spans, direction, (span, way) => {
        const leaves = (part: IdSpan): bigint[] => {
          const halves = halveIds(part, way);
          if (halves.length === 0) return [part.low];
          const [left, right] = halves.map(spanLength);
          expect(Math.abs(Number((left ?? 0n) - (right ?? 0n)))).toBeLessThanOrEqual(1);
          return halves.flatMap(leaves);
        };
        const ids = Array.from({ length: Number(spanLength(span)) }, (_, i) => span.low + BigInt(i));
        expect(leaves(span)).toEqual(way === 'asc' ? ids : ids.toReversed());
      }),
      { numRuns: 30 },
    );
  });
});

describe('clipSpan', () => {
  const span = { low: 1n, high: 1000n };

  it('takes both bounds in the order of the walk', () => {
    expect(clipSpan(span, 'desc', 500n, undefined)).toEqual({ low: 1n, high: 500n });
    expect(clipSpan(span, 'desc', 500n, 100n)).toEqual({ low: 100n, high: 500n });
    expect(clipSpan(span, 'asc', 500n, undefined)).toEqual({ low: 500n, high: 1000n });
    expect(clipSpan(span, 'asc', -7n, 2000n)).toEqual(span);
  });

  it('leaves nothing outside of the table', () => {
    expect(clipSpan(span, 'asc', 1001n, undefined)).toBeUndefined();
    expect(clipSpan(span, 'desc', 0n, undefined)).toBeUndefined();
  });
});
