import type { BackfillConfig } from '../config/backfill-config.js';
import type { StoredHold } from '../state/global-hold.js';
import type { RunRecord } from '../state/run-record.js';
import type { BackfillSample } from '../state/sample.store.js';
import type { StallStatus, StoredStall } from '../state/stall.js';
import { budgetLimitOf } from './budget-limit.js';
import { activeAtOf } from './run-activity.js';
import { iso } from './iso-time.js';
import { holdOf } from './run-hold.js';

/** Whether a hold or the budget is why a running run starts nothing. */
export function isHeldUp(
  run: RunRecord,
  config: BackfillConfig | null,
  now: number,
  heldAll: StoredHold | null,
): boolean {
  return holdOf(run, config, now, heldAll) !== null || budgetLimitOf(run, now) !== null;
}

/** The stall of a run that was noticed; `null` where it is over, also where nobody has recorded that yet. */
export function currentStall(
  run: RunRecord,
  samples: readonly BackfillSample[],
  isHeld: boolean,
): StoredStall | null {
  const { stalled, status, stateSince } = run;
  if (!stalled || status !== 'running' || isHeld || (stateSince ?? 0) > stalled.since) {
    return null;
  }
  return (activeAtOf(run, samples) ?? 0) > stalled.since ? null : stalled;
}

export function publicStall(stall: StoredStall | null): StallStatus | null {
  return stall && { since: iso(stall.since), waitingFor: stall.waitingFor };
}
