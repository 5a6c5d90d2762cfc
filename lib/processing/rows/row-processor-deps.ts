import type { EntityManager } from '@mikro-orm/core';
import type { JsonValue } from '../../sources/backfill-source.js';
import type { LazyAbortController } from '../../async/lazy-abort-controller.js';
import type { Permits } from './row.semaphore.js';

/**
 * Lets a call through: at once, or with the promise it answers, which rejects once the signal is aborted.
 * Most calls wait for nothing, and a promise each is what handling a row would cost.
 */
export type Admit = (signal: AbortSignal) => Promise<void> | undefined;

/** Rows, and the entity manager that loaded them. */
export interface LoadedRows {
  readonly em: EntityManager;
  readonly rows: readonly unknown[];
}

/** What a walk over rows works with. What may change while it goes on is asked anew each time. */
export interface RowProcessorDeps {
  readonly keyOf: (row: unknown) => JsonValue;
  /** Rows at once. */
  readonly concurrency: () => number;
  /** Where the rows find their places among those of other ranges. */
  readonly permits: Permits;
  /** Ms that a row may take. */
  readonly timeoutMs: () => number | null;
  /** Ms after which the rows that are done are acknowledged. */
  readonly acknowledgeMs: () => number;
  /** Asked before a row begins. */
  readonly admit: Admit;
  readonly handle: (row: unknown, em: EntityManager, stop: LazyAbortController) => unknown;
  /** Loads the rows with these keys again, with an entity manager of their own. */
  readonly reload: (keys: readonly JsonValue[]) => Promise<LoadedRows>;
  /** Tells that so many more rows are done and which are not; `null` where that must wait for the end. */
  readonly acknowledge: ((done: number, left: readonly JsonValue[]) => Promise<void>) | null;
  /** Told at once of an error that asks for more than its row. */
  readonly escalate: (error: unknown) => Promise<void>;
  /** Aborted when the range is to stop. */
  readonly signal: AbortSignal;
}
