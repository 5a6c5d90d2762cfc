import { countOf } from '../../errors/count-of.js';
import { OptimisticLockError } from '@mikro-orm/core';
import { BackfillError } from '../../errors/backfill-error.js';
import { MAX_ROUNDS } from './rounds.js';

/** Rows that a flush leaves out, as the source loaded them. */
export interface LeftOut {
  /** Others wrote or deleted them after they were loaded. */
  readonly changed: readonly object[];
  /** A transaction of somebody else holds them. */
  readonly locked: readonly object[];
}

/**
 * Ends a flush because others wrote rows that it would write. Nothing of it was written.
 *
 * @internal
 */
export class RowsChangedError extends Error {
  override readonly name = 'RowsChangedError';

  /**
   * @param separable whether the flush has nothing but updates of loaded rows, so that the other rows can be flushed
   * without these
   */
  constructor(
    readonly leftOut: LeftOut,
    readonly separable: boolean,
  ) {
    const { changed, locked } = leftOut;
    super(
      `Others wrote ${countOf(changed.length, 'row')}, and hold ${locked.length}, that the handler has loaded: the rows are loaded ` +
        'and handled again. A handler that calls flush() must not catch this error.',
    );
  }
}

/** The failure of a row that others wrote in every round, so that what the handler changed was never written. */
export class RowKeepsChangingError extends BackfillError {
  readonly code = 'BACKFILL_ROW_KEEPS_CHANGING';

  constructor(backfill: string) {
    super(
      `Others wrote the row in each of ${MAX_ROUNDS} rounds between its load and its flush, so backfill "${backfill}" has ` +
        'written nothing to it. Use smaller batches or a faster handler, guard only the columns that the handler reads and ' +
        "writes (guard: { columns: [...] }), or hold the rows while they are handled (guard: 'lock').",
    );
  }
}

/** Whether rows were written by others: found by the guard, or by MikroORM for an entity with a version. */
export function isRowsChanged(error: unknown): boolean {
  return error instanceof RowsChangedError || error instanceof OptimisticLockError;
}
