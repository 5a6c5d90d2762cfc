import type { EntityManager, EntityMetadata } from '@mikro-orm/core';
import { changedColumns } from './changed-columns.js';
import { insertEntries } from './journal-rows.js';
import { journaledTableOf } from './journaled-table.js';
import type { JournaledTable } from './journaled-table.js';
import { keyText } from './row-sql.js';
import type { RunJournal } from './run-journal.js';
import { updateTriggersOf } from './update-triggers.js';

/** The parts by which a statement that updates rows of a table also journals them. */
export interface JournaledUpdates {
  /** Selects columns of a row `e` before its update. */
  readonly before: string;
  /** Selects columns of the row `e` after it. */
  readonly after: string;
  /** Whether the table still has the triggers that the parts are made for. */
  readonly current: string;
  /** Inserts the entries, from the rows `locked` with `before` and `written` with `after`, which have a `key` in common. */
  readonly insert: string;
}

/**
 * The parts for updates of some columns; `null` where rows have to be read again after the statement, because a trigger
 * may have written them once more.
 *
 * @param written names of the columns that the statement writes
 */
export async function journaledUpdates(
  em: EntityManager,
  journal: RunJournal,
  meta: EntityMetadata,
  written: readonly string[],
): Promise<JournaledUpdates | null> {
  const table = await journaledTableOf(em, meta);
  const columns = changeableColumns(table, written, journal.columnsOf(meta));
  const movesKey = table.keys.some(({ name }) => written.includes(name));
  if (table.updateTriggers === 'after' || movesKey || columns.length === 0) {
    return null;
  }
  const compared = columns.map(({ name }, at) => ({ name, before: `l.b${at}`, after: `w.a${at}` }));
  const entries =
    `select l.row_key as key, 'update' as operation, d.before, d.after ` +
    'from locked as l join written as w on w.key = l.key ' +
    `cross join lateral (${changedColumns(em, compared)}) as d where d.before is not null`;
  return {
    before: [
      `${keyText(table, 'e')} as row_key`,
      ...columns.map(({ quoted }, at) => `e.${quoted}::text as b${at}`),
    ].join(', '),
    after: columns.map(({ quoted }, at) => `e.${quoted}::text as a${at}`).join(', '),
    current: `${updateTriggersOf(em, table.name)} = '${table.updateTriggers}'`,
    insert: `${insertEntries(em, journal.runId, table, entries)} returning 1`,
  };
}

/** The columns that change at most: a trigger before the update may change others than those that are written. */
function changeableColumns(
  { columns, updateTriggers }: JournaledTable,
  written: readonly string[],
  journaled: readonly string[] | null,
): JournaledTable['columns'] {
  return columns.filter(
    ({ name }) =>
      (updateTriggers === 'before' || written.includes(name)) && (journaled?.includes(name) ?? true),
  );
}
