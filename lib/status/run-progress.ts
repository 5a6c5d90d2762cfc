import type { BackfillConfig } from '../config/backfill-config.js';
import { estimateEnd } from '../pacing/schedule.js';
import { roundedRate, toPerSecond } from '../state/pace.js';
import type { RunRecord } from '../state/run-record.js';
import type { RateStatus } from './backfill-status.js';

/** Workers that stay below this fraction of the rate are the bottleneck, and not the rate. */
const BOTTLENECK_BELOW = 0.95;

/** Derived from counters that were read together: a separate read could differ by what happened in between. */
export function outstandingOf({ status, planned, done, failed }: RunRecord): number {
  return status === 'cancelled' ? 0 : Math.max(0, planned - done - failed);
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
export function rateOf(run: RunRecord, now: number): RateStatus {
  if (run.status !== 'running') {
    return { perSecond: 0, reason: run.status };
  }
  if (run.holdUntil !== null && run.holdUntil > now) {
    const until = new Date(run.holdUntil).toISOString();
    return { perSecond: 0, reason: `${run.holdReason ?? 'held'} until ${until}` };
  }
  return { perSecond: roundedRate(toPerSecond(run.pace)), reason: run.rateReason ?? 'starting' };
}

/**
 * Estimated end of a running run in epoch ms, from the configured rates, the peak hours and the measured speed; `null`
 * where it cannot be estimated.
 *
 * @param rangesPerSecond measured; 0 while unknown
 */
export function estimatedEndOf(
  run: RunRecord,
  config: BackfillConfig,
  rangesPerSecond: number,
  now: number,
): number | null {
  if (run.status !== 'running') {
    return null;
  }
  const outstanding = outstandingOf(run);
  const rowsLeft = Math.max(0, run.rowsTotal - run.progress);
  const ranges = run.exhausted
    ? outstanding
    : Math.max(outstanding, Math.ceil(rowsLeft / rowsPerRange(run, config)));
  const measured = isBottleneck(run, rangesPerSecond) ? rangesPerSecond : null;
  return estimateEnd(config, Math.max(now, run.holdUntil ?? 0), ranges, measured);
}

/** The average so far, or else the batch size. */
function rowsPerRange({ done, progress }: RunRecord, { batchSize }: BackfillConfig): number {
  return done > 0 && progress > 0 ? progress / done : batchSize;
}

function isBottleneck({ pace }: RunRecord, rangesPerSecond: number): boolean {
  switch (pace.kind) {
    case 'unpaced':
      return true;
    case 'held':
      return false;
    default:
      return rangesPerSecond < pace.perSecond * BOTTLENECK_BELOW;
  }
}
