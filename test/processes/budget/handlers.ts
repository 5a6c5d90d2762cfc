import { setTimeout as sleep } from 'node:timers/promises';
import { idRange } from 'nestjs-backfill';
import type { IdRange } from 'nestjs-backfill';
import { defineBackfill, Item } from '../../support/apps/index.js';

/** A backfill: its weight, and the rows of each of its ranges. */
export interface BudgetedRun {
  readonly weight: number;
  readonly rows: number;
}

/** The backfills `run-0`, `run-1` and so on, whose ranges read their rows and then wait for so long. */
export function budgetHandlers(runs: readonly BudgetedRun[], rangeMs: number) {
  return runs.map(({ weight, rows }, run) =>
    defineBackfill<IdRange>({
      name: `run-${run}`,
      weight,
      source: idRange(Item),
      config: {
        batchSize: rows,
        concurrency: 3,
        maxOutstanding: 200,
        perSecondOnPeak: null,
        perSecondOffPeak: null,
      },
      processRange: async ({ where }, { em, signal }) => {
        await em.find(Item, where as object);
        await sleep(rangeMs, undefined, { signal });
      },
    }),
  );
}
