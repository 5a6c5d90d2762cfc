import { nounFor } from '../errors/count-of.js';
import type { BackfillEventData } from '../state/backfill-event.js';
import type { RunRecord } from '../state/run-record.js';
import type { Verification } from '../state/verification.js';
import { formatDuration } from '../errors/format-duration.js';

/** The phase that follows. */
export interface NextPhase {
  readonly verification: Verification;
  /** Why the run fails. Default: it does not. */
  readonly verdict?: string;
  readonly event?: BackfillEventData['verifying'];
}

/**
 * What follows the walk or a sweep, once everything of it is done.
 *
 * @param now epoch ms by the clock of Redis
 * @param stillMatches whether rows that the walk has processed are known to match still
 */
export function afterWalk(
  verification: Verification,
  { progress, rowsTotal }: Pick<RunRecord, 'progress' | 'rowsTotal'>,
  now: number,
  stillMatches: boolean,
): NextPhase {
  const { phase, left, since, sweeps } = verification;
  if (sweeps === 0) {
    return afterSweeps(verification);
  }
  const walked = stillMatches ? Math.max(progress, rowsTotal) : 0;
  const rows = phase === 'walk' ? walked : (left ?? 0);
  return {
    verification: {
      ...verification,
      phase: 'count',
      round: verification.round + 1,
      left: 0,
      limit: rows > 0 ? rows : null,
      since: now,
      elapsed: now - since,
    },
    event: { phase: 'count', round: verification.round + 1, left: null },
  };
}

/** Whether a count need not go on: its round does not shrink. */
export function counted({ left, limit }: Verification): boolean {
  return limit !== null && (left ?? 0) >= limit;
}

/**
 * What follows a count.
 *
 * @param complete false where it ended before it had counted all rows
 */
export function afterCount(verification: Verification, complete: boolean): NextPhase {
  const { left, round, sweeps } = verification;
  if (left === 0) {
    return afterSweeps(verification);
  }
  if (counted(verification) || round > sweeps) {
    return { verification: { ...verification, phase: 'done' }, verdict: verdictOf(verification, complete) };
  }
  return {
    verification: { ...verification, phase: 'sweep' },
    event: { phase: 'sweep', round, left },
  };
}

/** What follows once nothing is left to sweep. */
export function afterSweeps(verification: Verification): NextPhase {
  const { sample = 0, round, left } = verification;
  return sample === 0
    ? { verification: { ...verification, phase: 'done' } }
    : {
        verification: { ...verification, phase: 'sample', read: 0, sampled: 0, mismatched: 0 },
        event: { phase: 'sample', round, left },
      };
}

/** What follows once all rows of the sample were read and none of them is wrong. */
export function afterSample(verification: Verification): NextPhase {
  const { read = 0, sampled = 0 } = verification;
  return {
    verification: { ...verification, phase: 'done' },
    ...(read > 0 && sampled === 0
      ? {
          verdict: `none of the ${read} ${nounFor(read, 'row')} of the sample could be loaded again: nothing is known of ${read === 1 ? 'it' : 'them'}`,
        }
      : {}),
  };
}

function verdictOf(verification: Verification, complete: boolean): string {
  const { left, limit, round, elapsed } = verification;
  const rows = `${complete ? '' : 'at least '}${left ?? 0} ${nounFor(left ?? 0, 'row')}`;
  const sentence = `the app still writes the old form: ${rows} in the last ${formatDuration(elapsed)}`;
  return round === 1 && counted(verification)
    ? `${rows} still ${left === 1 ? 'matches' : 'match'} the where after all ${limit ?? 0} were processed: either the where does not exclude rows that ` +
        `are done, and then no sweep can tell what is left, or ${sentence}`
    : sentence;
}
