/** Share of empty ranges above which a walk over ids is called sparse. */
const SPARSE_SHARE = 0.1;

/**
 * Estimates how many ranges hold no row. A spread sample of ranges shows gaps; where rows are few, there
 * cannot be more ranges with rows than rows, whatever the sample says.
 *
 * @param sampled How many ranges were looked at.
 * @param empty How many of these were empty.
 * @internal
 */
export function estimateEmptyRanges(ranges: number, rows: number, sampled: number, empty: number): number {
  if (ranges === 0) return 0;
  if (sampled >= ranges) return empty;
  const seen = sampled === 0 ? 0 : Math.round((ranges * empty) / sampled);
  return Math.min(ranges, Math.max(seen, ranges - rows, 0));
}

/** Whether so many empty ranges are worth a warning. */
export function isSparse(ranges: number, empty: number): boolean {
  return ranges > 1 && empty / ranges >= SPARSE_SHARE;
}

/** Numbers of the ranges to look at, from 0, spread evenly over all of them. */
export function sampleRanges(ranges: number, most: number): number[] {
  const count = Math.min(ranges, most);
  return Array.from({ length: count }, (_, i) => Math.floor(((i + 0.5) * ranges) / count));
}
