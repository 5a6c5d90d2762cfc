import { canaryStatus } from '../state/canary.js';
import { describeHold, publicHold } from '../state/global-hold.js';
import type { StoredHold } from '../state/global-hold.js';
import { roundedRate, toPerSecond } from '../state/pace.js';
import type { RunRecord } from '../state/run-record.js';
import { verificationResult } from '../state/verification.js';
import { describeOverride } from '../state/throttle-override.js';
import type { ThrottleOverride } from '../state/throttle-override.js';
import type { RateStatus } from './backfill-status.js';
import { budgetLimitOf } from './budget-limit.js';
import { isoOrNull } from './iso-time.js';

/** Derived from counters that were read together: a separate read could differ by what happened in between. */
export function outstandingOf({ status, planned, done, failed }: RunRecord): number {
  return status === 'cancelled' ? 0 : Math.max(0, planned - done - failed);
}

/**
 * What a status and a run have alike: parameters, the end that was asked for, counts of ranges and rows, and what the
 * verification has found.
 */
export function countsOf(run: RunRecord) {
  return {
    params: run.paramsShown,
    finishBy: isoOrNull(run.finishBy),
    planned: run.planned,
    done: run.done,
    outstanding: outstandingOf(run),
    failed: run.failed,
    rowsDone: run.rowsDone,
    rowsFailed: run.rowsFailed,
    rowsMissing: run.rowsMissing,
    rowsRechecked: run.rowsRechecked,
    journaled: run.journaled,
    undoes: run.undoes,
    conflicts: run.conflicts,
    verified: verificationResult(run.verification),
    canary: canaryStatus(run.canary),
    rowsTotal: run.rowsTotal,
  };
}

/** 0 to 100; 100 only when the run has ended and no row is missing. */
export function percentOf({ status, exhausted, rowsTotal, progress, rowsMissing }: RunRecord): number {
  const ended = status === 'completed' || (status === 'failed' && exhausted);
  if (ended && rowsMissing === 0) {
    return 100;
  }
  const rows = (ended ? Math.max(rowsTotal, progress) : progress) - rowsMissing;
  return rowsTotal <= 0 ? 0 : Math.max(0, Math.min(99.9, Math.floor((1000 * rows) / rowsTotal) / 10));
}

/** The rate in force, and why. */
export function rateOf(
  run: RunRecord,
  now: number,
  heldAll: StoredHold | null = null,
  overrides: readonly ThrottleOverride[] = [],
): RateStatus {
  if (run.status !== 'running') {
    return { perSecond: 0, reason: run.status };
  }
  if (heldAll) {
    return { perSecond: 0, reason: `all backfills are ${describeHold(publicHold(heldAll))}` };
  }
  if (run.holdUntil !== null && run.holdUntil > now) {
    const until = new Date(run.holdUntil).toISOString();
    return { perSecond: 0, reason: `${run.holdReason ?? 'held'} until ${until}` };
  }
  const limited = budgetLimitOf(run, now);
  const reason = [
    run.rateReason ?? 'starting',
    ...(limited ? [`limited by ${limited.reason}`] : []),
    // The pressure of a throttle that is ignored is 0, so that the reason of the rate says nothing of it.
    ...overrides.filter(({ factor }) => factor === 0).map(describeOverride),
  ].join(', ');
  return { perSecond: roundedRate(toPerSecond(run.pace)), reason };
}
