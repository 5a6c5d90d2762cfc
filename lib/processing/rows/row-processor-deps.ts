import type { EntityManager } from '@mikro-orm/core';
import type { LazyAbortController } from '../../async/lazy-abort-controller.js';
import type { JsonValue } from '../../sources/backfill-source.js';
import type { RowSettings } from '../execution.js';
import type { GuardedRows } from '../guard/load-guarded.js';

/** Rows, the entity manager that loaded them, and the flush of what handlers changed. */
export interface LoadedRows extends Pick<GuardedRows, 'rows' | 'flush'> {
  readonly em: EntityManager;
}

/** What a `RowProcessor` works with. */
export interface RowProcessorDeps extends RowSettings {
  readonly keyOf: (row: unknown) => JsonValue;
  /** Whether a row is handled again where the database aborted a transaction of its handler on contention. */
  readonly retriesContended: boolean;
  /** The error of a row that others wrote in every round. */
  readonly changedAgain: () => Error;
  /** Calls the handler. Answers what the handler does: a promise, or nothing when it is done already. */
  readonly handle: (row: unknown, em: EntityManager, abort: LazyAbortController) => unknown;
  /** Loads the rows with these keys again, with an entity manager of their own. */
  readonly reload: (keys: readonly JsonValue[]) => Promise<LoadedRows>;
  /** Aborted when the range is to stop. */
  readonly signal: AbortSignal;
}
