import type { BackfillConfig } from '../config/backfill-config.js';
import { estimateEnd } from '../pacing/schedule.js';
import type { RunRecord } from '../state/run-record.js';
import { currentConcurrency } from '../state/concurrency-state.js';
import { publicStatus } from '../state/verification.js';
import { outstandingOf } from './run-progress.js';
import { allowedPerSecond, measuredSpeed, quotaBound, rowsPerRange } from './run-speed.js';
import type { SpeedFacts } from './run-speed.js';

/** Workers that stay below this fraction of the rate are the bottleneck, and not the rate. */
const BOTTLENECK_BELOW = 0.95;
/** What was measured for a shorter time says little. */
const MEASURED_S = 5;

/** What the end of a run depends on. */
export interface EtaFacts extends SpeedFacts {
  /** Until when it is held, in epoch ms; `null` where that is not known, `undefined` where it is not held. */
  readonly heldUntil: number | null | undefined;
  /** End of the hold of all runs, in epoch ms; default: there is none, or it has no end. */
  readonly heldAllUntil?: number | null;
  readonly stalled: boolean;
  /** Whether no process has workers for it. */
  readonly unmanned: boolean;
}

/**
 * Estimated end of the walk of a run in epoch ms, by the rate in force: config, peak hours, throttles, quota, and measured
 * speed where the workers are slower. `null` where nothing moves, or where it cannot be estimated.
 */
export function estimatedEndOf(run: RunRecord, facts: EtaFacts): number | null {
  const { heldUntil, stalled, unmanned, now } = facts;
  if (publicStatus(run) !== 'running' || heldUntil === null || stalled || unmanned) {
    return null;
  }
  const bound = upperBound(run, facts);
  if (bound === null) {
    return null;
  }
  // A rate of 0 that is in force until then is that of the config, which the estimate has.
  return estimateEnd(
    throttledConfig(run, facts.config, now),
    Math.max(now, run.holdUntil ?? 0, facts.heldAllUntil ?? 0),
    rangesLeft(run, facts),
    bound,
  );
}

function rangesLeft(run: RunRecord, facts: SpeedFacts): number {
  const outstanding = outstandingOf(run);
  const rows = Math.max(0, run.rowsTotal - run.progress);
  return run.exhausted ? outstanding : Math.max(outstanding, Math.ceil(rows / rowsPerRange(run, facts)));
}

/** Ranges a second that quota and workers reach at most; `null` where that is not known. */
function upperBound(run: RunRecord, facts: SpeedFacts): number | null {
  const quota = quotaBound(run, facts);
  if (quota === null) {
    return null;
  }
  if (run.pace.kind === 'held') {
    return quota;
  }
  const { ranges, seconds } = measuredSpeed(run, facts);
  const allowed = allowedPerSecond(run, facts);
  if (allowed === Infinity) {
    return ranges > 0 ? ranges / seconds : null;
  }
  const expected = allowed * seconds;
  // One range more or less is where the period of the measurement begins and ends.
  if (seconds < MEASURED_S || ranges + 1 >= expected * BOTTLENECK_BELOW) {
    return quota;
  }
  return ranges > 0 ? Math.min(quota, ranges / seconds) : null;
}

/** The config with the rates that the throttles leave of it, as the pressure is now. */
function throttledConfig(run: RunRecord, config: BackfillConfig, now: number): BackfillConfig {
  const { pressure, pace } = run;
  if (pressure <= 0 || pressure >= 1 || currentConcurrency(run, now) !== null) {
    return config;
  }
  const unpaced = pace.kind === 'paced' ? pace.perSecond : null;
  const throttled = (perSecond: number | null) => (perSecond === null ? unpaced : perSecond * (1 - pressure));
  return {
    ...config,
    perSecondOnPeak: throttled(config.perSecondOnPeak),
    perSecondOffPeak: throttled(config.perSecondOffPeak),
  };
}
