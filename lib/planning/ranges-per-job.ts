const MAX = 32;
/** Paced ranges are claimed one by one, so a released job with many of them would lose more. */
const MAX_PACED = 8;
/** A job is to keep a worker busy for this long: then the round trips of BullMQ for a job, some ms, weigh little. */
const TARGET_JOB_MS = 500;
/** Workers that reach less than this fraction of the rate are busy with slow ranges. */
const KEEPS_UP = 0.5;

/** What the size of a job depends on. */
export interface JobSizeRequest {
  /** Ranges per second in force; `null` is unpaced. */
  readonly perSecond: number | null;
  /** Ranges that are ready to be put into jobs. */
  readonly available: number;
  /** Ranges that all workers together process at once. */
  readonly slots: number;
  /** Ranges per second that the workers reach; `null` while unknown. */
  readonly measuredPerSecond: number | null;
  /**
   * Whether the handler processes rows: their ranges are assumed to be slow until measured, and only ranges of
   * different jobs overlap.
   */
  readonly byRow?: boolean;
}

/**
 * How many ranges share a job. Short ranges share one, because the overhead of the queue per job would exceed their own
 * work, but never so many that a worker is left without a job, and paced ones never more than a worker starts within a
 * second.
 */
export function rangesPerJob(request: JobSizeRequest): number {
  const spread = Math.floor(request.available / (request.slots * 2));
  return Math.max(1, Math.min(MAX, spread, bySpeed(request)));
}

function bySpeed({ perSecond, slots, measuredPerSecond, byRow = false }: JobSizeRequest): number {
  if (perSecond !== null) {
    const keepsUp = measuredPerSecond === null || measuredPerSecond >= perSecond * KEEPS_UP;
    return keepsUp ? Math.min(MAX_PACED, Math.floor(perSecond / slots)) : 1;
  }
  if (!measuredPerSecond) {
    return byRow ? 1 : MAX;
  }
  return Math.floor((TARGET_JOB_MS * measuredPerSecond) / (slots * 1000));
}
