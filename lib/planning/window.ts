/** What the size of the planning window depends on. */
export interface WindowRequest {
  /** The config's `duration`: seconds of work to keep planned. */
  readonly duration: number;
  /** The config's `maxOutstanding`: most ranges, whatever the rest asks for. */
  readonly maxOutstanding: number;
  /** Ranges a second in force now; `null` is unpaced, `0` holds. */
  readonly perSecond: number | null;
  /** Ranges a second that the workers reach; `null` while nobody knows. Counts where it is unpaced. */
  readonly measuredPerSecond: number | null;
  /** Fewest ranges to keep planned where it is unpaced: enough for every worker to have the next one. */
  readonly floor: number;
}

/** How many ranges are to be outstanding after a cycle: `duration` seconds of work, 0 while held. */
export function targetOutstanding(request: WindowRequest): number {
  const { duration, maxOutstanding, perSecond, measuredPerSecond, floor } = request;
  const wanted =
    perSecond === null
      ? Math.max(floor, wholeRanges(duration * (measuredPerSecond ?? 0)))
      : wholeRanges(duration * perSecond);
  return Math.min(maxOutstanding, wanted);
}

/** Whether it is time for a cycle: less than half of the target is outstanding. */
export function shouldPlan(outstanding: number, target: number): boolean {
  return outstanding < target / 2;
}

/** How many ranges a cycle plans to reach the target; 0 where it is reached already. */
export function rangesToPlan(outstanding: number, target: number): number {
  return Math.max(0, target - outstanding);
}

/** Rounds up, but not for the dust of a product: 100 x 1.1 is 110, not 110.00000000000001. */
function wholeRanges(ranges: number): number {
  return Math.ceil(ranges * (1 - Number.EPSILON * 4));
}
