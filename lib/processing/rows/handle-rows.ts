import { Utils } from '@mikro-orm/core';
import type { EntityManager } from '@mikro-orm/core';
import type { LazyAbortController } from '../../async/lazy-abort-controller.js';
import { inRequestScope } from '../../database/request-scope.js';
import { withSavepoint } from '../../database/with-savepoint.js';
import type { BackfillContext } from '../../handlers/backfill-context.js';
import type { RowHandler } from '../../handlers/handlers.js';
import { acquireCalls, parseCalls } from '../acquire-calls.js';
import type { QuotaArguments } from '../acquire-calls.js';
import type { Execution, Outcome, RowSettings } from '../execution.js';
import { loadGuarded } from '../guard/load-guarded.js';
import type { GuardedRows } from '../guard/load-guarded.js';
import { journaledWrites } from '../journaled-writes.js';
import { entryOfKeys } from '../guard/rounds.js';
import { RowKeepsChangingError } from '../guard/rows-changed.error.js';
import { keepingPending } from './row-rollbacks.js';
import { RowProcessor } from './row.processor.js';

/** Calls a row handler for each row of a range. */
export async function handleRows(
  execution: Execution,
  handler: RowHandler<unknown>,
  { runId, attempt, logger, em: loadedBy }: BackfillContext,
  loaded: GuardedRows,
  fork: () => EntityManager,
): Promise<Outcome> {
  const { backfill, dryRun, entry, signal, rows: settings } = execution;
  const { source } = backfill;
  const forks: EntityManager[] = [];
  const entities = new WeakSet(entitiesIn(loaded.rows));
  const processor = new RowProcessor(
    { em: loadedBy, ...loaded },
    {
      ...settings,
      // The rows of a dry run share a transaction, and each has a savepoint of it: only nested ones could overlap.
      concurrency: dryRun ? () => 1 : settings.concurrency,
      // A rehearsal shows the error of the first try, and its transaction is over by then.
      retriesContended: !dryRun,
      keyOf: (row) => source.keyOf?.(row) ?? null,
      changedAgain: () => new RowKeepsChangingError(backfill.name),
      handle: (row, em, abort) => {
        const context: BackfillContext = {
          runId,
          backfill: backfill.name,
          params: backfill.params?.values,
          attempt,
          logger,
          dryRun,
          em,
          journal: journaledWrites(execution, () => em),
          quota: afterFirstCall(settings, abort),
          get signal() {
            return abort.signal;
          },
        };
        const processRow = () =>
          inRequestScope(
            () => em,
            () => keepingPending(em, row, entities, () => handler.processRow(row, context)),
          );
        return dryRun ? withSavepoint(em, processRow) : processRow();
      },
      reload: async (keys) => {
        const em = fork();
        forks.push(em);
        const reloaded = await loadGuarded(execution, entryOfKeys(entry, keys), em);
        entitiesIn(reloaded.rows).forEach((entity) => entities.add(entity));
        return { em, ...reloaded };
      },
      // A dry run is rolled back at its end: none of its rows may be acknowledged.
      acknowledge: dryRun ? null : settings.acknowledge,
      signal,
    },
  );
  try {
    return await processor.run();
  } finally {
    forks.forEach((em) => em.clear());
  }
}

function entitiesIn(rows: readonly unknown[]): object[] {
  return rows.filter((row) => Utils.isEntity<object>(row));
}

/** `context.quota` of a row: its first call was acquired before the row started. */
function afterFirstCall(
  settings: RowSettings,
  abort: LazyAbortController,
): (...args: QuotaArguments) => Promise<void> {
  let acquired = 1;
  return async (...args) => {
    const { name, calls } = parseCalls(args);
    if (name !== null) {
      return acquireCalls(settings, abort.signal, name, calls);
    }
    settings.onQuota?.(calls);
    const missing = Math.max(0, calls - acquired);
    acquired = Math.max(0, acquired - calls);
    await acquireCalls(settings, abort.signal, null, missing);
  };
}
