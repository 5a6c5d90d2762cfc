import type { SortDirection } from '../keys/sort-key.js';

/** The ids from `low` to `high`, both inclusive, `low <= high`. */
export interface IdInterval {
  readonly low: bigint;
  readonly high: bigint;
}

/** The ids of one range, both inclusive, `begin <= end`. */
export interface IdStride {
  readonly begin: bigint;
  readonly end: bigint;
  /** Estimated number of rows. */
  readonly rows: number;
}

/** Number of ids in an interval, existing or not. */
export function countIds({ low, high }: IdInterval): bigint {
  return high - low + 1n;
}

/** The first id of an interval in the given direction. */
export function firstId({ low, high }: IdInterval, direction: SortDirection): bigint {
  return direction === 'asc' ? low : high;
}

/**
 * Cuts the next strides off an interval. The rows of the interval are distributed over the strides by cumulative
 * rounding, so that the sum over all strides is exactly `totalRows`, even if their length changes.
 *
 * @param totalRows Number of rows in the whole interval.
 * @param cursor First id that is not yet planned; outside the interval if nothing is left.
 * @param length Ids per stride.
 * @param limit Maximum number of strides.
 * @internal
 */
export function nextStrides(
  interval: IdInterval,
  totalRows: number,
  direction: SortDirection,
  cursor: bigint,
  length: number,
  limit: number,
): { strides: IdStride[]; cursor: bigint; exhausted: boolean } {
  const ascending = direction === 'asc';
  const ids = countIds(interval);
  const step = BigInt(Math.max(1, Math.trunc(length)));
  const rowsBefore = (id: bigint) => {
    const passed = ascending ? id - interval.low : interval.high - id;
    return (BigInt(Math.trunc(totalRows)) * passed) / ids;
  };
  const strides: IdStride[] = [];
  let next = cursor;
  while (strides.length < limit && interval.low <= next && next <= interval.high) {
    const last = ascending ? min(next + step - 1n, interval.high) : max(next - step + 1n, interval.low);
    const after = ascending ? last + 1n : last - 1n;
    const rows = Number(rowsBefore(after) - rowsBefore(next));
    strides.push({ begin: min(next, last), end: max(next, last), rows });
    next = after;
  }
  return { strides, cursor: next, exhausted: next < interval.low || next > interval.high };
}

/** Splits an interval in two, in the given direction; empty if it has a single id. */
export function halveInterval({ low, high }: IdInterval, direction: SortDirection): IdInterval[] {
  if (low >= high) return [];
  // A shift rounds down for negative ids too; a division would round towards zero.
  const middle = (low + high) >> 1n;
  const halves = [
    { low, high: middle },
    { low: middle + 1n, high },
  ];
  return direction === 'asc' ? halves : halves.toReversed();
}

/** The intersection of an interval with `from` and `to`, which are in the given direction; `undefined` if empty. */
export function clampInterval(
  { low, high }: IdInterval,
  direction: SortDirection,
  from: bigint | undefined,
  to: bigint | undefined,
): IdInterval | undefined {
  const [floor, ceiling] = direction === 'asc' ? [from, to] : [to, from];
  const clamped = { low: max(low, floor ?? low), high: min(high, ceiling ?? high) };
  return clamped.low <= clamped.high ? clamped : undefined;
}

/**
 * Strides of consecutive rows, in the given direction. Rows that share an id may be in two batches: a stride has all rows
 * of its ids, so the next one begins after its last id.
 */
export function disjointStrides(
  batches: readonly { readonly from: bigint; readonly to: bigint; readonly rows: number }[],
  direction: SortDirection,
): IdStride[] {
  const strides: IdStride[] = [];
  let before: bigint | undefined;
  for (const { from, to, rows } of batches) {
    const first = from === before ? from + (direction === 'asc' ? 1n : -1n) : from;
    if (to !== before) strides.push({ begin: min(first, to), end: max(first, to), rows });
    before = to;
  }
  return strides;
}

/** Number of strides of a length that cover an interval. */
export function countStrides(interval: IdInterval, length: number): number {
  const step = BigInt(Math.max(1, Math.trunc(length)));
  return Number((countIds(interval) + step - 1n) / step);
}

function min(left: bigint, right: bigint): bigint {
  return left < right ? left : right;
}

function max(left: bigint, right: bigint): bigint {
  return left > right ? left : right;
}
