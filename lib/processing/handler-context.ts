import type { EntityManager } from '@mikro-orm/core';
import type { BackfillContext } from '../handlers/backfill-context.js';
import type { Execution } from './execution.js';
import { journaledWrites } from './journaled-writes.js';
import { RangeLogger } from './range.logger.js';

/** What a handler is given beside its range or its rows. */
export function handlerContext(execution: Execution, em: () => EntityManager): BackfillContext {
  const { backfill, runId, entry, signal, dryRun } = execution;
  return {
    runId,
    backfill: backfill.name,
    params: backfill.params?.values,
    attempt: entry.attempts + 1,
    signal,
    get em() {
      return em();
    },
    logger: new RangeLogger(backfill.name, runId, entry.index),
    dryRun,
    journal: journaledWrites(execution, em),
    quota: async (calls = 1) => {
      execution.rows.onQuota?.(calls);
      for (let i = 0; i < calls; i++) {
        await execution.rows.acquireQuota(signal);
      }
    },
  };
}
