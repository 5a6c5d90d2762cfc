/** Most ranges that one job carries. */
const MOST = 8;
/** Ranges that take longer than this gain nothing by sharing a job. */
const SHORT_MS = 25;

/**
 * How many ranges a job carries. Paced ranges go singly. Unpaced ones share a job where they are short,
 * because the queue's own work for a job would outweigh theirs, but never so many that a worker would
 * find none.
 *
 * @param ranges ranges at hand
 * @param slots ranges that all workers together work on at once
 * @param measuredPerSecond ranges a second that they reach; `null` while nobody knows
 */
export function rangesPerJob(
  perSecond: number | null,
  ranges: number,
  slots: number,
  measuredPerSecond: number | null,
): number {
  if (perSecond !== null) {
    return 1;
  }
  const msPerRange = measuredPerSecond ? (slots * 1000) / measuredPerSecond : null;
  if (msPerRange !== null && msPerRange > SHORT_MS) {
    return 1;
  }
  return Math.max(1, Math.min(MOST, Math.floor(ranges / (slots * 2))));
}
