import type { EntityManager } from '@mikro-orm/core';
import type { LazyAbortController } from '../../async/lazy-abort-controller.js';
import type { JsonValue } from '../../sources/backfill-source.js';
import type { RowSettings } from '../execution.js';

/** Rows, and the entity manager that loaded them. */
export interface LoadedRows {
  readonly em: EntityManager;
  readonly rows: readonly unknown[];
}

/** What a `RowProcessor` works with. */
export interface RowProcessorDeps extends RowSettings {
  readonly keyOf: (row: unknown) => JsonValue;
  /** Calls the handler. Answers what the handler does: a promise, or nothing when it is done already. */
  readonly handle: (row: unknown, em: EntityManager, abort: LazyAbortController) => unknown;
  /** Loads the rows with these keys again, with an entity manager of their own. */
  readonly reload: (keys: readonly JsonValue[]) => Promise<LoadedRows>;
  /** Aborted when the range is to stop. */
  readonly signal: AbortSignal;
}
