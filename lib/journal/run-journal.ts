import type { EntityManager, EntityMetadata } from '@mikro-orm/core';
import { NonRetryableError } from '../errors/handler.errors.js';

/** Where the writes of a run are journaled. */
export interface RunJournal {
  readonly runId: string;
  readonly backfill: string;
  /** Names of the columns of an entity whose changes are journaled; `null`: all. */
  readonly columnsOf: (meta: EntityMetadata) => readonly string[] | null;
  /** Makes sure that the journal of the run is kept for long enough. Called before each range. */
  open(): Promise<void>;
  /** Counts rows that have been written to the journal in the transaction of an entity manager, once it is committed. */
  count(em: EntityManager, rows: number): Promise<void>;
}

/** Throws where there is no transaction, without which a journal could tell of what was never written. */
export function assertInTransaction(em: EntityManager, { backfill }: RunJournal): void {
  if (!em.isInTransaction()) {
    throw new NonRetryableError(
      `Backfill "${backfill}" has the option undo, and its handler flushes an entity manager of its own without a ` +
        'transaction, so that the journal could not be written with it. Use ctx.em, or em.transactional.',
    );
  }
}
