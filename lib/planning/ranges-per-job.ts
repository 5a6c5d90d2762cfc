/** Most ranges that one job carries. */
const MOST = 32;
/** The same where they are paced: one by one they are claimed then, and a job that is given back is worth less. */
const MOST_PACED = 8;
/** A job is to keep a worker busy for so long: then its own way through Redis, some ms, weighs little. */
const JOB_MS = 500;

/** Workers that reach less than this of the rate are busy with ranges that take long. */
const KEPT_UP = 0.5;

/**
 * How many ranges a job carries. Short ones share a job, because the queue's own work for a job would
 * outweigh theirs, but never so many that a worker would find none, and paced ones never more than a worker
 * starts within a second.
 *
 * @param ranges ranges at hand
 * @param slots ranges that all workers together work on at once
 * @param measuredPerSecond ranges a second that they reach; `null` while nobody knows
 * @param rows whether ranges are handed out row by row: those take long until it is known that they do not, and
 * overlap at their edges with those of another job only
 */
export function rangesPerJob(
  perSecond: number | null,
  ranges: number,
  slots: number,
  measuredPerSecond: number | null,
  rows = false,
): number {
  const unknown = rows ? 1 : MOST;
  const most = Math.min(
    MOST,
    Math.floor(ranges / (slots * 2)),
    short(perSecond, slots, measuredPerSecond, unknown),
  );
  return Math.max(1, most);
}

function short(
  perSecond: number | null,
  slots: number,
  measuredPerSecond: number | null,
  unknown: number,
): number {
  if (perSecond !== null) {
    const keptUp = measuredPerSecond === null || measuredPerSecond >= perSecond * KEPT_UP;
    return keptUp ? Math.min(MOST_PACED, Math.floor(perSecond / slots)) : 1;
  }
  return measuredPerSecond ? Math.floor((JOB_MS * measuredPerSecond) / (slots * 1000)) : unknown;
}
