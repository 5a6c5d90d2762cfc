import type { RunRecord } from '../state/run-record.js';
import { isRecentWait } from '../state/budget-wait.js';

/**
 * The budget as what limits a running run.
 *
 * @publicApi
 */
export interface BudgetLimitStatus {
  /** The limit that is used up: a key of `budget`, or `callsPerSecond.` and the name of the third party. */
  readonly limit: string;
  /** Part of the budget that the run is given, from 0 to 1: its weight among those of the runs that ask now. */
  readonly share: number;
  /** In words. */
  readonly reason: string;
}

/** `null` where the budget does not limit the run. */
export function budgetLimitOf(run: RunRecord, now: number): BudgetLimitStatus | null {
  const wait = run.budgetWait;
  if (run.status !== 'running' || !isRecentWait(wait, now)) {
    return null;
  }
  const { limit, share } = wait;
  if (limit === 'perTable') {
    const other = wait.run === '' ? 'other runs work' : `run ${wait.run} works`;
    return { limit, share, reason: `the budget: ${other} on its table (perTable)` };
  }
  return { limit, share, reason: `the budget: ${limit}, share ${percent(share)} %` };
}

function percent(share: number): number {
  return Number((100 * share).toPrecision(3));
}
