/** So that every worker has a next range when it ends one. */
const RANGES_PER_SLOT = 20;
const MIN_OUTSTANDING = 100;
/** Seconds of work to keep planned while the speed is only known from the start of the run. */
const UNMEASURED_SECONDS = 1;

/** What the size of the planning window depends on. */
export interface WindowRequest {
  /** The config's `duration`: seconds of work to keep planned. */
  readonly duration: number;
  /** The config's `maxOutstanding`: the upper bound. */
  readonly maxOutstanding: number;
  /** Ranges per second in force; `null` is unpaced, `0` holds. */
  readonly perSecond: number | null;
  /** Ranges per second that the workers reach; `null` while unknown. Determines the window of an unpaced run. */
  readonly measuredPerSecond: number | null;
  /** The lower bound of an unpaced run: enough for every worker to have a next range. */
  readonly floor: number;
}

/** How many ranges are to be outstanding at the end of a cycle: `duration` seconds of work, 0 while held. */
export function targetOutstanding(request: WindowRequest): number {
  const { duration, maxOutstanding, perSecond, measuredPerSecond, floor } = request;
  const wanted =
    perSecond === null
      ? Math.max(floor, wholeRanges(duration * (measuredPerSecond ?? 0)))
      : wholeRanges(duration * perSecond);
  return Math.min(maxOutstanding, wanted);
}

/**
 * How many ranges are at least to be outstanding in an unpaced run: some for each slot, and while nothing was measured yet, as many
 * as its workers do in a second, or in `duration` where that is shorter. Without these, fast ranges wait for one small cycle after
 * another until the first samples.
 *
 * @param slots ranges that all workers together process at once
 * @param duration the config's, in seconds
 * @param done ranges that have ended since the start of the run, `elapsedMs` ago
 */
export function leastOutstanding(
  slots: number,
  duration: number,
  measuredPerSecond: number | null,
  { done, elapsedMs }: { readonly done: number; readonly elapsedMs: number },
): number {
  const least = Math.max(MIN_OUTSTANDING, RANGES_PER_SLOT * slots);
  if (measuredPerSecond !== null) {
    return least;
  }
  const perSecond = (done * 1000) / Math.max(1, elapsedMs);
  return Math.max(least, Math.round(perSecond * Math.min(duration, UNMEASURED_SECONDS)));
}

/** How many ranges a cycle has to plan to reach the target. */
export function rangesToPlan(outstanding: number, target: number): number {
  return Math.max(0, target - outstanding);
}

/** Rounds up, except for floating point error: 100 x 1.1 is 110, not 110.00000000000001. */
function wholeRanges(ranges: number): number {
  return Math.ceil(ranges * (1 - Number.EPSILON * 4));
}
