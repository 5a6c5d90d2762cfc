import type { EntityManager } from '@mikro-orm/core';
import type { BackfillContext } from '../handlers/backfill-context.js';
import { acquireCalls, parseCalls } from './acquire-calls.js';
import type { QuotaArguments } from './acquire-calls.js';
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
    quota: async (...args: QuotaArguments) => {
      const { name, calls } = parseCalls(args);
      if (name === null) {
        execution.rows.onQuota?.(calls);
      }
      await acquireCalls(execution.rows, signal, name, calls);
    },
  };
}
