import { toPerSecond } from '../state/pace.js';
import type { RunRecord } from '../state/run-record.js';
import type { BackfillSample } from '../state/sample.store.js';
import { allowedPerSecond } from './run-speed.js';
import type { SpeedFacts } from './run-speed.js';

/** Samples are taken once a second. */
const SAMPLED_MS = 2_000;
const STALLED_MS = 60_000;
const STALLED_INTERVALS = 3;

/**
 * When something was last done, in epoch ms: as the scripts recorded it, or as the samples show it of workers of earlier
 * versions, which do not record it. `null` where it is not known.
 */
export function activeAtOf({ activeAt }: RunRecord, samples: readonly BackfillSample[]): number | null {
  const index = samples.findIndex((sample, i) => {
    const before = samples[i + 1];
    return before !== undefined && countsOf(sample) !== countsOf(before);
  });
  const sampled = samples[index]?.at ?? null;
  // A sample shows it up to a second later.
  return activeAt === null || (sampled !== null && sampled - activeAt > SAMPLED_MS) ? sampled : activeAt;
}

/** Whether a running run that is not held has done nothing for longer than its rate explains. */
export function isStalled(run: RunRecord, facts: SpeedFacts): boolean {
  const activeAt = activeAtOf(run, facts.samples);
  const moved = [
    activeAt ?? run.stateSince ?? Infinity,
    run.stateSince ?? 0,
    run.rateSince ?? 0,
    run.holdUntil ?? 0,
    run.heldAllUntil ?? 0,
  ];
  const quietMs = facts.now - Math.max(...moved);
  // Workers of earlier versions record nothing.
  const isKnown = activeAt !== null || run.done === run.doneBefore;
  return isKnown && quietMs >= STALLED_MS && quietMs >= STALLED_INTERVALS * expectedMs(run, facts);
}

/** How long something takes to be done: by the rate in force, and by the speed so far. */
function expectedMs(run: RunRecord, facts: SpeedFacts): number {
  if (facts.shape === 'row') {
    // Rows are acknowledged before their range is done.
    const rangeMs = 1000 / (toPerSecond(run.pace) ?? Infinity);
    return Math.max(rangeMs, 1000 / (facts.callsPerSecond ?? Infinity));
  }
  const { activeAt, stateSince } = run;
  const done = run.done - run.doneBefore;
  const average = activeAt !== null && stateSince !== null && done > 0 ? (activeAt - stateSince) / done : 0;
  return Math.max(1000 / allowedPerSecond(run, facts), average);
}

/** What changes when something is done. */
function countsOf({ done, rowsDone, rowsFailed }: BackfillSample): string {
  return `${done} ${rowsDone} ${rowsFailed}`;
}
