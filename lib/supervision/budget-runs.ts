import { decodeBudgetWait, isRecentWait } from '../state/budget-wait.js';

/**
 * A run that has ranges in process or has lately asked the budget for some, or waits for it.
 *
 * @publicApi
 */
export interface BudgetRun {
  readonly runId: string;
  readonly backfill: string;
  readonly weight: number;
  /**
   * Its part of what the budget allows, from 0 to 1, as long as all these runs can use theirs; 0 of a run that waits for its
   * table. Of a run that waits for calls to a third party and is limited by nothing else, its part of these.
   */
  readonly share: number;
  /** Its ranges in process, in all processes; counted while the budget limits ranges. */
  readonly ranges: number;
  /** Whether it waits for the budget. */
  readonly waiting: boolean;
  /**
   * The limit that it waits for: a key of the budget, or `callsPerSecond.` and the name of the third party; `null` where it
   * waits for none.
   */
  readonly waitsFor: string | null;
}

/** Fields of each run in the reply of `budget-use.lua`. */
const FIELDS = 6;

/**
 * The runs that share the budget of a context or wait for it, by the names of their backfills.
 *
 * @param fields of each run, as `budget-use.lua` replies them
 */
export function budgetRuns(fields: readonly (string | number)[], context: string, now: number): BudgetRun[] {
  const all = Array.from({ length: fields.length / FIELDS }, (_, i) => {
    const [runId, backfill, weight, shares, ranges, text] = fields
      .slice(FIELDS * i, FIELDS * (i + 1))
      .map(String);
    const stored = decodeBudgetWait(text);
    const wait = isRecentWait(stored, now) && stored.context === context ? stored : null;
    return {
      runId: String(runId),
      backfill: String(backfill),
      // A run that has only ever waited for its table or for calls is not in the queue of the ranges.
      weight: weight === '' ? (wait?.weight ?? 1) : Number(weight),
      isSharing: shares === '1' && wait?.limit !== 'perTable',
      ranges: Number(ranges),
      wait,
    };
  });
  const weights = all.reduce((sum, { isSharing, weight }) => (isSharing ? sum + weight : sum), 0);
  return all
    .filter(({ isSharing, wait }) => isSharing || wait !== null)
    .map(({ isSharing, wait, ...run }) => ({
      runId: run.runId,
      backfill: run.backfill,
      weight: run.weight,
      share: isSharing ? rounded(run.weight / weights) : wait?.limit === 'perTable' ? 0 : (wait?.share ?? 0),
      ranges: run.ranges,
      waiting: wait !== null,
      waitsFor: wait?.limit ?? null,
    }))
    .toSorted((a, b) => a.backfill.localeCompare(b.backfill));
}

function rounded(share: number): number {
  return Math.round(10_000 * share) / 10_000;
}
