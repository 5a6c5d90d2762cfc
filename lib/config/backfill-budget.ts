/**
 * What all runs of all processes may use together. Limits that are absent or `null` do not limit.
 *
 * A range starts when its run and the budget both allow it. The runs share what the budget allows by their weights (see
 * `weight` of `@Backfill`); what a run leaves, the others use.
 *
 * @example { concurrency: 16, rangesPerSecond: 50, callsPerSecond: { directory: 50 }, perTable: 1 }

 * @publicApi
 */
export interface BackfillBudget {
  /** Ranges in process at once, in all processes together. A whole number from 1 to 100,000. Default `null`. */
  readonly concurrency?: number | null | undefined;
  /** Ranges to start per second. A number from 0.001 to 100,000. Default `null`. */
  readonly rangesPerSecond?: number | null | undefined;
  /** Rows of the ranges that start per second. A number from 0.001 to 100,000,000. Default `null`. */
  readonly rowsPerSecond?: number | null | undefined;
  /**
   * Calls per second to each third party, by a name that handlers pass to `context.quota(name)`; `null` for one of them
   * removes its limit. Numbers from 0.001 to 1,000,000. Default: none.
   */
  readonly callsPerSecond?: { readonly [name: string]: number | null | undefined } | undefined;
  /**
   * Runs that work on one table at once, runs that undo others included; further ones wait, the oldest first. It takes
   * effect for `idRange` and `keyset`, whose table is known. A whole number from 1 to 1,000. Default `null`.
   */
  readonly perTable?: number | null | undefined;
}

/**
 * The limits in force: every key has a value.
 *
 * @publicApi
 */
export interface BudgetLimits {
  readonly concurrency: number | null;
  readonly rangesPerSecond: number | null;
  readonly rowsPerSecond: number | null;
  /** Only names that have a limit. */
  readonly callsPerSecond: Readonly<Record<string, number>>;
  readonly perTable: number | null;
}

/** The limits of each patch override those before it, by name for `callsPerSecond`. Frozen. */
export function resolveBudget(...patches: readonly BackfillBudget[]): BudgetLimits {
  const last = (key: Exclude<keyof BudgetLimits, 'callsPerSecond'>): number | null =>
    patches.map((patch) => patch[key]).findLast((value) => value !== undefined) ?? null;
  const calls = new Map(
    patches
      .flatMap(({ callsPerSecond = {} }) => Object.entries(callsPerSecond))
      .filter(([, value]) => value !== undefined),
  );
  return Object.freeze({
    concurrency: last('concurrency'),
    rangesPerSecond: last('rangesPerSecond'),
    rowsPerSecond: last('rowsPerSecond'),
    callsPerSecond: Object.freeze(
      Object.fromEntries(
        [...calls].filter((entry): entry is [string, number] => typeof entry[1] === 'number'),
      ),
    ),
    perTable: last('perTable'),
  });
}

/** Whether any limit concerns the claims of ranges. */
export function limitsRanges({
  concurrency,
  rangesPerSecond,
  rowsPerSecond,
  perTable,
}: BudgetLimits): boolean {
  return [concurrency, rangesPerSecond, rowsPerSecond, perTable].some((limit) => limit !== null);
}
