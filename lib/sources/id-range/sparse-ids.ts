/** Minimum share of empty ranges for ids to count as sparse. */
const SPARSE_SHARE = 0.1;

/**
 * Estimates the number of empty ranges from a sample. The estimate is at least `ranges - rows`, because a row
 * fills at most one range.
 *
 * @param ranges Number of ranges in total.
 * @param rows Number of rows in total.
 * @param sampled Number of ranges in the sample.
 * @param empty Number of empty ranges in the sample.
 * @internal
 */
export function estimateEmptyRanges(ranges: number, rows: number, sampled: number, empty: number): number {
  if (ranges === 0) return 0;
  if (sampled >= ranges) return empty;
  const extrapolated = sampled === 0 ? 0 : Math.round((ranges * empty) / sampled);
  return Math.min(ranges, Math.max(extrapolated, ranges - rows, 0));
}

/** Whether the share of empty ranges justifies a warning. */
export function isSparse(ranges: number, empty: number): boolean {
  return ranges > 1 && empty / ranges >= SPARSE_SHARE;
}

/** The indexes of the ranges in a sample, spread evenly over all ranges. */
export function sampleRanges(ranges: number, sampleSize: number): number[] {
  const count = Math.min(ranges, sampleSize);
  return Array.from({ length: count }, (_, i) => Math.floor(((i + 0.5) * ranges) / count));
}
