import type { EntityManager } from '@mikro-orm/core';
import { inRequestScope } from '../database/request-scope.js';
import { FlushJournal } from '../journal/flush.journal.js';
import type { BatchHandler } from '../handlers/handlers.js';
import type { RangeEntry } from '../state/range-entry.js';
import type { BatchRound } from './batch-round.js';
import type { Execution } from './execution.js';
import { holdRows } from './guard/hold-rows.js';
import { isRowsChanged, RowsChangedError } from './guard/rows-changed.error.js';
import { WriteGuard } from './guard/write-guard.js';
import { handlerContext } from './handler-context.js';
import { sampleRows } from './sample-rows.js';

/** One round of a batch with the guard `lock`: one transaction locks the rows, calls the handler, and flushes. */
export async function handleHeldBatch(
  execution: Execution,
  entry: RangeEntry,
  handler: BatchHandler<unknown>,
  em: EntityManager,
): Promise<BatchRound> {
  let given: readonly unknown[] = [];
  try {
    const { rows, missing, locked, loaded } = await holdRows(execution, entry, em);
    given = [...rows, ...locked];
    // Its rows are locked: there is nothing to compare.
    const writes = execution.journal
      ? new WriteGuard(em, { guard: null, journal: new FlushJournal(execution.journal) })
      : null;
    await sampleRows(execution, entry, given);
    const context = handlerContext(execution, () => em);
    await inRequestScope(
      () => em,
      () => handler.processBatch(rows, context),
    );
    await writes?.flush();
    // Flushes first.
    await em.commit();
    return { handled: loaded, missing, changed: [], locked };
  } catch (error) {
    await rollBack(em);
    if (!isRowsChanged(error)) {
      throw error;
    }
    const changed = error instanceof RowsChangedError ? leftOutBy(error) : given;
    return { handled: changed.length, missing: 0, changed, locked: [] };
  }
}

function leftOutBy({ leftOut: { changed, locked } }: RowsChangedError): readonly object[] {
  return [...changed, ...locked];
}

/** Of what it throws nobody has to learn: the transaction ended with the error that led here. */
async function rollBack(em: EntityManager): Promise<void> {
  if (em.isInTransaction()) {
    await em.rollback().catch(() => undefined);
  }
}
