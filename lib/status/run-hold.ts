import type { BackfillConfig } from '../config/backfill-config.js';
import { zeroRate } from '../pacing/zero-rate.js';
import type { StoredHold } from '../state/global-hold.js';
import type { RunRecord } from '../state/run-record.js';
import { budgetLimitOf } from './budget-limit.js';

/** How long after a hold its reason may still be there: what is tried again, such as a connection, takes time to fail. */
const RETRY_MS = 10_000;

/** Why a running run starts nothing now; times in epoch ms, `null` where they are not known. */
export interface RunHold {
  readonly scope: 'all' | 'run';
  readonly by: string | null;
  readonly reason: string;
  readonly since: number | null;
  readonly until: number | null;
}

/**
 * Why a running run starts nothing now: a hold, a throttle at full pressure, or a configured rate of 0; `null` where it may
 * start something. After its end, a hold counts until something is done, for some seconds at most: an outage is met again.
 *
 * @param config `null` where it is corrupt
 * @param heldAll the hold of all runs; `null` without one
 */
export function holdOf(
  run: RunRecord,
  config: BackfillConfig | null,
  now: number,
  heldAll: StoredHold | null = null,
): RunHold | null {
  if (run.status !== 'running') {
    return null;
  }
  // However many limits hold it beside that: it goes on at the release at the earliest.
  const hold = heldAll ? { scope: 'all' as const, ...heldAll } : ownHoldOf(run, config, now);
  return hold && { scope: 'run', by: null, ...hold };
}

/** A hold of this run alone. */
function ownHoldOf(
  run: RunRecord,
  config: BackfillConfig | null,
  now: number,
): Pick<RunHold, 'reason' | 'since' | 'until'> | null {
  if (run.holdUntil !== null && run.holdUntil > now) {
    return { reason: run.holdReason ?? 'held', since: run.holdSince, until: run.holdUntil };
  }
  if (run.pace.kind !== 'held') {
    return holdBeforeRetry(run, now) ?? waitForTable(run, now);
  }
  const isThrottled = run.pressure >= 1;
  const configured = config && zeroRate(config, now);
  const reasons = [
    ...(isThrottled ? [run.pressureReason ?? 'a throttle'] : []),
    ...(configured ? [configured.reason] : []),
  ];
  return {
    reason: reasons.join('; ') || 'the rate is 0',
    since: run.rateSince,
    until: isThrottled ? null : (configured?.until ?? null),
  };
}

/** Other runs work on the table of the run, and the budget allows no more of them. */
function waitForTable(run: RunRecord, now: number): Pick<RunHold, 'reason' | 'since' | 'until'> | null {
  const limited = budgetLimitOf(run, now);
  return limited?.limit === 'perTable' ? { reason: limited.reason, since: null, until: null } : null;
}

/** A hold that has ended, while nothing was done since. */
function holdBeforeRetry(run: RunRecord, now: number): Pick<RunHold, 'reason' | 'since' | 'until'> | null {
  const { holdUntil, holdReason, holdSince } = run;
  // Nothing is tried again after the hold of all runs.
  if (holdUntil === null || holdUntil === run.heldAllUntil || now >= holdUntil + RETRY_MS) {
    return null;
  }
  const changedAt = Math.max(run.activeAt ?? 0, run.stateSince ?? 0);
  return changedAt <= holdUntil ? { reason: holdReason ?? 'held', since: holdSince, until: null } : null;
}
