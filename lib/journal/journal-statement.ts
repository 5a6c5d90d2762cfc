import type { EntityManager, EntityMetadata } from '@mikro-orm/core';
import { writeRows } from './journal-rows.js';
import { journaledTableOf, withTables } from './journaled-table.js';
import { readImages, selectFiltered } from './row-images.js';
import type { RunJournal } from './run-journal.js';

/** Rows that statements are to change. */
export interface StatementRows {
  readonly meta: EntityMetadata;
  /** A filter of MikroORM. */
  readonly where: object;
}

/** Calls `write` in a transaction, which also journals the rows that it updates and deletes. */
export async function journalStatement<T>(
  em: EntityManager,
  journal: RunJournal,
  { meta, where }: StatementRows,
  write: (em: EntityManager) => Promise<T> | T,
): Promise<T> {
  if (!em.isInTransaction()) {
    return em.transactional((inner) => journalStatement(inner, journal, { meta, where }, write));
  }
  const table = await journaledTableOf(em, meta);
  const images = await withTables(em, () =>
    readImages(em, table, selectFiltered(em, meta, table.keys, where)),
  );
  const result = await write(em);
  // What the statements are journaled with must have been written.
  await em.flush();
  const rows = { runId: journal.runId, table, changing: journal.columnsOf(meta), images, inserted: null };
  const { count } = await withTables(em, () => writeRows(em, rows));
  await journal.count(em, count);
  return result;
}
