import type { RunRecord } from '../state/run-record.js';
import type { BackfillSample } from '../state/sample.store.js';
import { publicStatus } from '../state/verification.js';
import { outstandingOf } from '../status/run-progress.js';
import type { UsualTime } from './usual-time.js';

/** A run is stalled after so many times its usual time. */
const USUAL_TIMES = 10;
/** So many times the shortest time for which nothing is done are a stall where nothing was measured. */
const UNMEASURED_TIMES = 20;
/** Samples are taken once a second. Further apart, nobody supervised the run in between. */
const GAP_MS = 5_000;

/** What tells whether a running run that nothing holds should have progressed; times in epoch ms by the clock of Redis. */
export interface StallFacts {
  readonly run: RunRecord;
  /** When something was last done; `null` where that is not known. */
  readonly activeAt: number | null;
  readonly usual: UsualTime;
  /** Since when a process works on it. */
  readonly workedSince: number;
  /** Since when it is supervised without a gap. */
  readonly watchedSince: number;
  /** When the first of its outstanding ranges could start; 0 where none waits for a retry. */
  readonly dueAt: number;
  readonly now: number;
  /** Shortest time without progress, ms. */
  readonly leastMs: number;
}

/** A run of which nothing was done for long. */
export interface Suspicion {
  readonly since: number;
  /** Whether that alone is a stall. Otherwise it is one where something shows what the run waits for. */
  readonly isCertain: boolean;
}

/** `null` where the run progresses, or may be expected to take so long. */
export function suspectStall(facts: StallFacts): Suspicion | null {
  const { run, activeAt, usual, now, leastMs } = facts;
  // Workers of earlier versions record nothing.
  if (run.status !== 'running' || (activeAt === null && run.done !== run.doneBefore)) {
    return null;
  }
  const since = Math.max(
    activeAt ?? run.stateSince ?? Infinity,
    run.stateSince ?? 0,
    run.rateSince ?? 0,
    run.holdUntil ?? 0,
    run.heldAllUntil ?? 0,
    run.budgetWait?.until ?? 0,
    facts.workedSince,
    facts.watchedSince,
    facts.dueAt,
  );
  const quietMs = now - since;
  if (!(quietMs >= leastMs && quietMs >= USUAL_TIMES * usual.ms)) {
    return null;
  }
  const hasRanges = outstandingOf(run) > 0;
  const isLong = quietMs >= UNMEASURED_TIMES * leastMs;
  // Rows are counted for as long as that takes.
  const isCounting = !hasRanges && publicStatus(run) === 'verifying';
  return { since, isCertain: !isCounting && (isLong || (usual.isMeasured && hasRanges)) };
}

/**
 * Since when a run is supervised without a gap; `-Infinity` where that is longer than the samples tell.
 *
 * @param samples newest first
 * @param limit how many were read at most
 */
export function watchedSince(samples: readonly BackfillSample[], limit: number, now: number): number {
  let since = now;
  for (const { at } of samples) {
    if (since - at > GAP_MS) {
      return since;
    }
    since = Math.min(since, at);
  }
  return samples.length >= limit ? -Infinity : since;
}
