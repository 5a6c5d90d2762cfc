import type { ExpectedLateness, LateStatus } from '../state/limiting-factor.js';
import { isActive } from '../state/run-status.js';
import type { RunRecord } from '../state/run-record.js';
import { iso, isoOrNull } from './iso-time.js';
import { limitingFactor } from './limiting-factor.js';
import type { LimitFacts } from './limiting-factor.js';
import { earliestEndOf, estimatedEndOf } from './run-eta.js';

/** What is expected of a run with a time by which it should end. */
export interface RunExpectation {
  readonly finishBy: number;
  /** Estimated end in epoch ms; `null` where nothing moves, or it is not known. */
  readonly eta: number | null;
  /** When it will end at the earliest, in epoch ms; `null` where that is not known. */
  readonly end: number | null;
  readonly run: RunRecord;
  readonly facts: LimitFacts;
}

/** `null` for a run that has ended, or that nobody expects to end by a time. */
export function expectationOf(run: RunRecord, facts: LimitFacts): RunExpectation | null {
  const { finishBy } = run;
  return finishBy === null || !isActive(run.status)
    ? null
    : { finishBy, eta: estimatedEndOf(run, facts), end: earliestEndOf(run, facts), run, facts };
}

/** By how much a run is expected to end too late, at the least, and what delays it. */
export function latenessOf({ finishBy, eta, end, run, facts }: RunExpectation): ExpectedLateness {
  return {
    eta: isoOrNull(eta),
    by: Math.max(0, Math.ceil(Math.max(end ?? 0, facts.now) - finishBy)),
    limitedBy: limitingFactor(run, facts),
  };
}

/** The lateness of a run in its status, once it has been noticed; `null` for one that is on time. */
export function lateStatusOf(run: RunRecord, facts: LimitFacts): LateStatus | null {
  const expectation = expectationOf(run, facts);
  return expectation && run.lateness?.late
    ? { since: iso(run.lateness.since), ...latenessOf(expectation) }
    : null;
}
