import type { SortDirection } from '../keys/sort-key.js';

/** A stretch of ids, both inclusive, `low <= high`. */
export interface IdInterval {
  readonly low: bigint;
  readonly high: bigint;
}

/** One stride of a walk over ids. */
export interface IdStride {
  readonly begin: bigint;
  readonly end: bigint;
  /** Rows to expect in it. */
  readonly rows: number;
}

/** How many ids a span holds, whether they exist or not. */
export function countIds({ low, high }: IdInterval): bigint {
  return high - low + 1n;
}

/** Where a walk begins. */
export function firstId({ low, high }: IdInterval, direction: SortDirection): bigint {
  return direction === 'asc' ? low : high;
}

/**
 * Cuts the next strides off a span. The rows of a span are shared out by cumulative rounding, so that the
 * strides of a whole walk add up to exactly the total, whatever their length.
 *
 * @param cursor First id that is not planned yet, in the order of the walk; beyond the span: nothing is left.
 * @internal
 */
export function nextStrides(
  span: IdInterval,
  totalRows: number,
  direction: SortDirection,
  cursor: bigint,
  length: number,
  limit: number,
): { strides: IdStride[]; cursor: bigint; exhausted: boolean } {
  const ascending = direction === 'asc';
  const whole = countIds(span);
  const step = BigInt(Math.max(1, Math.trunc(length)));
  const rowsBefore = (id: bigint) => {
    const passed = ascending ? id - span.low : span.high - id;
    return (BigInt(Math.trunc(totalRows)) * passed) / whole;
  };
  const strides: IdStride[] = [];
  let next = cursor;
  while (strides.length < limit && span.low <= next && next <= span.high) {
    const far = ascending ? min(next + step - 1n, span.high) : max(next - step + 1n, span.low);
    const after = ascending ? far + 1n : far - 1n;
    const rows = Number(rowsBefore(after) - rowsBefore(next));
    strides.push({ begin: min(next, far), end: max(next, far), rows });
    next = after;
  }
  return { strides, cursor: next, exhausted: next < span.low || next > span.high };
}

/** Cuts a stride in two, in the order of the walk; a single id cannot be cut. */
export function halveInterval({ low, high }: IdInterval, direction: SortDirection): IdInterval[] {
  if (low >= high) return [];
  // Shifting rounds down for negative ids too, where dividing would round towards zero.
  const middle = (low + high) >> 1n;
  const halves = [
    { low, high: middle },
    { low: middle + 1n, high },
  ];
  return direction === 'asc' ? halves : halves.toReversed();
}

/** The part of a span that lies between two ids given in the order of the walk; either may be missing. */
export function clampInterval(
  { low, high }: IdInterval,
  direction: SortDirection,
  from: bigint | undefined,
  to: bigint | undefined,
): IdInterval | undefined {
  const [floor, ceiling] = direction === 'asc' ? [from, to] : [to, from];
  const clipped = { low: max(low, floor ?? low), high: min(high, ceiling ?? high) };
  return clipped.low <= clipped.high ? clipped : undefined;
}

/** How many ranges of a length a span is cut into. */
export function countStrides(span: IdInterval, length: number): number {
  const step = BigInt(Math.max(1, Math.trunc(length)));
  return Number((countIds(span) + step - 1n) / step);
}

function min(left: bigint, right: bigint): bigint {
  return left < right ? left : right;
}

function max(left: bigint, right: bigint): bigint {
  return left > right ? left : right;
}
