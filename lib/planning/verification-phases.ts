import type { SourcePartition } from '../sources/backfill-source.js';
import type { BackfillEventData } from '../state/backfill-event.js';
import type { RunRecord } from '../state/run-record.js';
import type { Verification } from '../state/verification.js';
import { formatDuration } from './format-duration.js';

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
 */
export function afterWalk(
  verification: Verification,
  { progress, rowsTotal }: Pick<RunRecord, 'progress' | 'rowsTotal'>,
  now: number,
): NextPhase {
  const { sweeps, phase, left, since } = verification;
  if (sweeps === 0) {
    return { verification: { ...verification, phase: 'done' } };
  }
  const rows = phase === 'walk' ? Math.max(progress, rowsTotal) : (left ?? 0);
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

/** The round with its bounds. */
export function beginRound(verification: Verification, partitions: readonly SourcePartition[]): Verification {
  return { ...verification, partitions };
}

/** Whether a count need not go on: its round does not shrink. */
export function counted({ left, limit }: Verification): boolean {
  return limit !== null && (left ?? 0) >= limit;
}

/** What follows a count. */
export function afterCount(verification: Verification): NextPhase {
  const { left, round, sweeps } = verification;
  if (left === 0) {
    return { verification: { ...verification, phase: 'done' } };
  }
  if (counted(verification) || round > sweeps) {
    return { verification: { ...verification, phase: 'done' }, verdict: verdictOf(verification) };
  }
  return {
    verification: { ...verification, phase: 'sweep' },
    event: { phase: 'sweep', round, left },
  };
}

function verdictOf(verification: Verification): string {
  const { left, limit, round, elapsed } = verification;
  const rows = `${counted(verification) ? 'at least ' : ''}${left ?? 0} rows`;
  const sentence = `the app still writes the old form: ${rows} in the last ${formatDuration(elapsed)}`;
  return round === 1 && counted(verification)
    ? `${rows} still match the where after all ${limit ?? 0} were processed: either the where does not exclude rows that ` +
        `are done, and then no sweep can tell what is left (verify: { sweeps: 0 }), or ${sentence}`
    : sentence;
}
