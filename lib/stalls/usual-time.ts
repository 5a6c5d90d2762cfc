import { currentConcurrency } from '../state/concurrency-state.js';
import { toPerSecond } from '../state/pace.js';
import type { RunRecord } from '../state/run-record.js';
import { allowedPerSecond } from '../status/run-speed.js';
import type { SpeedFacts } from '../status/run-speed.js';

/** How long it usually takes until something more of a run is done. */
export interface UsualTime {
  readonly ms: number;
  /** Whether something was measured since its state holds. Otherwise only its rate is known. */
  readonly isMeasured: boolean;
}

/**
 * The largest of: the interval of the rate in force and of the quota, the average time from one range to the next, and the time
 * that processes report of a step of their ranges.
 *
 * @param steps ms that a step takes, of each process that knows it
 */
export function usualTime(run: RunRecord, facts: SpeedFacts, steps: readonly number[]): UsualTime {
  const average = facts.shape === 'row' ? 0 : averageMs(run);
  const stepMs = Math.max(0, ...steps);
  // Below one slot, a process rests after each range.
  const slots = Math.min(1, currentConcurrency(run, facts.now)?.value ?? 1);
  return {
    ms: Math.max(rateMs(run, facts), average, stepMs / slots),
    isMeasured: average > 0 || steps.length > 0,
  };
}

function rateMs(run: RunRecord, facts: SpeedFacts): number {
  if (facts.shape === 'row') {
    // Rows are acknowledged before their range is done.
    const rangeMs = 1000 / (toPerSecond(run.pace) ?? Infinity);
    return Math.max(rangeMs, 1000 / (facts.callsPerSecond ?? Infinity));
  }
  return 1000 / allowedPerSecond(run, facts);
}

/** From one range to the next since its state holds; 0 while that is not known. */
function averageMs({ activeAt, stateSince, done, doneBefore }: RunRecord): number {
  const ranges = done - doneBefore;
  return activeAt !== null && stateSince !== null && ranges > 0
    ? Math.max(0, (activeAt - stateSince) / ranges)
    : 0;
}
