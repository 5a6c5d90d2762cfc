/** What a run waits for that the budget has no place for, as `record_budget_wait` of `budget.lua` writes it. */
export interface BudgetWait {
  /** Epoch ms. */
  readonly at: number;
  /** Epoch ms by which it asks again. */
  readonly until: number;
  /** The limit that is used up, such as `concurrency` or `callsPerSecond.directory`. */
  readonly limit: string;
  /** Share of the run among those that asked lately, from 0 to 1. */
  readonly share: number;
  /** The run that has its place, for `perTable`; empty otherwise. */
  readonly run: string;
  readonly weight: number;
  /** Of the budget. */
  readonly context: string;
}

/** A run that has waited so long ago, in ms, still counts as limited: it is given a place and waits again, by turns. */
const RECENT_MS = 2_000;

/** Reads `at|until|limit|share|run|weight|context`; `null` where the run has not waited for the budget. */
export function decodeBudgetWait(text: string | undefined): BudgetWait | null {
  const [at, until, limit, share, run = '', weight = '1', ...context] = (text ?? '').split('|');
  if (!limit || !Number.isFinite(Number(at)) || !Number.isFinite(Number(until))) {
    return null;
  }
  return {
    at: Number(at),
    until: Number(until),
    limit,
    share: Number(share),
    run,
    weight: Number(weight),
    context: context.join('|'),
  };
}

/** Whether the budget is what limits the run now. */
export function isRecentWait(wait: BudgetWait | null, now: number): wait is BudgetWait {
  return wait !== null && now <= wait.until + RECENT_MS;
}
