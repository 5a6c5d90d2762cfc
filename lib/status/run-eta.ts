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

/** What the end of the walk of a run is computed from: each limit by itself. */
export interface EndTerms {
  /** With what the throttles leave of the rates. */
  readonly config: BackfillConfig;
  /** When the next range may start at the earliest, in epoch ms. */
  readonly from: number;
  readonly ranges: number;
  /** Ranges a second that the quota allows; `Infinity` without one, `null` where that is not known. */
  readonly quota: number | null;
  /** Ranges a second that the workers reach; `Infinity` where something else is slower, `null` where that is not known. */
  readonly workers: number | null;
}

/**
 * Estimated end of the walk of a run in epoch ms, by the rate in force: config, peak hours, throttles, quota, and measured
 * speed where the workers are slower. `null` where nothing moves, or where it cannot be estimated.
 */
export function estimatedEndOf(run: RunRecord, facts: EtaFacts): number | null {
  return isBlocked(run, facts) ? null : endOf(endTermsOf(run, facts));
}

/**
 * The end of a run in epoch ms, where it is not before that: of one that nothing moves, as if it went on now at the rates of
 * its config. `null` where it cannot be estimated.
 */
export function earliestEndOf(run: RunRecord, facts: EtaFacts): number | null {
  if (!isBlocked(run, facts)) {
    return estimatedEndOf(run, facts);
  }
  if (publicStatus(run) === 'verifying') {
    return facts.now;
  }
  const { config, now } = facts;
  const ranges = rangesLeft(run, facts);
  return endOf({ config, from: now, ranges, quota: quotaBound(run, facts) ?? Infinity, workers: Infinity });
}

/** Whether the run does not go on, and nobody knows until when. */
export function isBlocked(run: RunRecord, { heldUntil, stalled, unmanned }: EtaFacts): boolean {
  return publicStatus(run) !== 'running' || heldUntil === null || stalled || unmanned;
}

export function endTermsOf(run: RunRecord, facts: EtaFacts): EndTerms {
  const quota = quotaBound(run, facts);
  return {
    // A rate of 0 that is in force until then is that of the config, which the estimate has.
    config: throttledConfig(run, facts.config, facts.now),
    from: Math.max(facts.now, run.holdUntil ?? 0, facts.heldAllUntil ?? 0),
    ranges: rangesLeft(run, facts),
    quota,
    workers: quota === null ? null : workersBound(run, facts),
  };
}

export function endOf({ config, from, ranges, quota, workers }: EndTerms): number | null {
  return quota === null || workers === null
    ? null
    : estimateEnd(config, from, ranges, Math.min(quota, workers));
}

function rangesLeft(run: RunRecord, facts: SpeedFacts): number {
  const outstanding = outstandingOf(run);
  const rows = Math.max(0, run.rowsTotal - run.progress);
  return run.exhausted ? outstanding : Math.max(outstanding, Math.ceil(rows / rowsPerRange(run, facts)));
}

function workersBound(run: RunRecord, facts: SpeedFacts): number | null {
  if (run.pace.kind === 'held') {
    return Infinity;
  }
  const { ranges, seconds } = measuredSpeed(run, facts);
  const allowed = allowedPerSecond(run, facts);
  if (allowed !== Infinity) {
    const expected = allowed * seconds;
    // One range more or less is where the period of the measurement begins and ends.
    if (seconds < MEASURED_S || ranges + 1 >= expected * BOTTLENECK_BELOW) {
      return Infinity;
    }
  }
  return ranges > 0 ? ranges / seconds : null;
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
