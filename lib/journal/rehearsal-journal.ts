import type { EntityManager } from '@mikro-orm/core';
import type { RegisteredBackfill } from '../handlers/registered-backfill.js';
import { executeStatement } from '../sources/sql/execute-statement.js';
import { JournalRowSchema } from './journal.entities.js';
import { journalTable } from './journal-rows.js';
import { journaledColumns } from './journaled-columns.js';
import type { RunJournal } from './run-journal.js';

/**
 * The journal of transactions that are rolled back, for what it costs: it is neither kept nor counted. `undefined` where
 * the backfill has no `undo`.
 *
 * @param runId of no run
 */
export function rehearsalJournal(
  backfill: Pick<RegisteredBackfill, 'name' | 'source' | 'undo'>,
  runId: string,
  em: EntityManager,
): RunJournal | undefined {
  return backfill.undo
    ? {
        runId,
        backfill: backfill.name,
        columnsOf: journaledColumns(backfill, em),
        open: () => Promise.resolve(),
        count: () => Promise.resolve(),
      }
    : undefined;
}

/** The name by which PostgreSQL counts the rows of the journal. */
export async function journalTableName(em: EntityManager): Promise<string> {
  const literal = em.getPlatform().quoteValue(journalTable(em));
  const [row] = await executeStatement(em, `select to_regclass(${literal})::text as name`);
  return String(row?.['name']);
}

/** A statement that writes the rows which a journal has in this transaction again, once they were rolled back. */
export async function readJournalReplay(em: EntityManager, { runId }: RunJournal): Promise<string> {
  const platform = em.getPlatform();
  const table = journalTable(em);
  const [row] = await executeStatement(
    em,
    `select coalesce(json_agg(j order by j.table_name, j.row_key), '[]')::text as rows from ${table} as j ` +
      `where j.run_id = ${platform.quoteValue(runId)}`,
  );
  const rows = platform.quoteValue(String(row?.['rows']));
  return `insert into ${table} select * from json_populate_recordset(null::${table}, ${rows})`;
}

/** Removes what a handler that commits by itself has committed of the journal, too. */
export async function removeRehearsed(em: EntityManager, { runId }: RunJournal): Promise<void> {
  await em.nativeDelete(JournalRowSchema, { runId });
}
