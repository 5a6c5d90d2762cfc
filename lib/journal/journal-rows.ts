import type { EntityManager } from '@mikro-orm/core';
import { quotedTable } from '../database/table-name.js';
import { executeStatement } from '../sources/sql/execute-statement.js';
import { changedColumns } from './changed-columns.js';
import { JournalRowSchema } from './journal.entities.js';
import type { JournaledTable } from './journaled-table.js';
import type { RowImages, RowSelection } from './row-images.js';
import { differ, hashOf, hasKey, keyText } from './row-sql.js';

/** Rows whose changes are written to the journal. */
export interface WrittenRows {
  readonly runId: string;
  readonly table: JournaledTable;
  /** Names of the columns whose changes are journaled; `null`: all. */
  readonly changing: readonly string[] | null;
  /** Of rows that were there before. */
  readonly images: RowImages | null;
  /** Rows that were inserted; `null`: none. */
  readonly inserted: RowSelection | null;
}

/** What was written to the journal. */
export interface WrittenEntries {
  readonly count: number;
  /** Of rows that were there before and are no longer, by their keys. */
  readonly gone: number;
}

/** The quoted name of the table of the journal. */
export function journalTable(em: EntityManager): string {
  return quotedTable(em, JournalRowSchema.meta);
}

/**
 * Compares rows with what they were, and writes those that have changed to the journal, in the transaction that changed
 * them.
 */
export async function writeRows(em: EntityManager, rows: WrittenRows): Promise<WrittenEntries> {
  const entries = [
    ...(rows.images === null ? [] : [changesOf(em, rows, rows.images)]),
    ...(rows.inserted === null ? [] : [insertsOf(em, rows, rows.inserted)]),
  ];
  if (entries.length === 0) {
    return { count: 0, gone: 0 };
  }
  const [row] = await executeStatement(
    em,
    `with entries as (${entries.join(' union all ')}), ` +
      `written as (${insertEntries(em, rows.runId, rows.table, 'select * from entries')} returning 1) ` +
      'select (select count(*)::int from written) as count, ' +
      `(select count(*)::int from entries where operation = 'delete') as gone`,
  );
  return { count: Number(row?.['count']), gone: Number(row?.['gone']) };
}

/**
 * A statement that adds entries to the journal. A row that the run writes again keeps the values from before its first
 * write, unless others wrote the row in between: then it keeps theirs.
 *
 * @param entries selects `key`, `operation`, `before` and `after`
 */
export function insertEntries(
  em: EntityManager,
  runId: string,
  { name }: JournaledTable,
  entries: string,
): string {
  const platform = em.getPlatform();
  const foreign =
    `(select coalesce(jsonb_object_agg(v.key, v.value), '{}') from jsonb_each(excluded.values_before) as v ` +
    `where j.hashes_after->v.key is distinct from coalesce(to_jsonb(${hashOf("(v.value #>> '{}')")}), 'null'))`;
  return (
    `insert into ${journalTable(em)} as j (run_id, table_name, row_key, operation, values_before, hashes_after) ` +
    `select ${platform.quoteValue(runId)}, ${platform.quoteValue(name)}, n.key, n.operation, n.before, n.after ` +
    `from (${entries}) as n order by n.key ` +
    'on conflict (run_id, table_name, row_key) do update set settled = null, settled_by = null, ' +
    `operation = case when j.settled is not null then excluded.operation ` +
    `when j.operation = 'insert' and excluded.operation = 'update' then 'insert' ` +
    `when j.operation = 'insert' and excluded.operation = 'delete' then 'void' ` +
    `when j.operation = 'delete' and excluded.operation = 'insert' then 'update' else excluded.operation end, ` +
    `values_before = case when j.settled is not null then excluded.values_before ` +
    `when j.operation = 'insert' then '{}' else j.values_before || ${foreign} end, ` +
    `hashes_after = case when j.settled is not null or excluded.operation = 'delete' then excluded.hashes_after ` +
    'else j.hashes_after || excluded.hashes_after end'
  );
}

/** Selects the rows that were updated or deleted, with the columns that have changed. */
function changesOf(em: EntityManager, { table, changing }: WrittenRows, images: RowImages): string {
  const platform = em.getPlatform();
  const { columns } = table;
  const types = columns.map((_, at) => `c${at} text`).join(', ');
  const compared = columns.map(({ name, quoted }, at) => ({
    name,
    before: `b.c${at}`,
    after: `e.${quoted}::text`,
  }));
  const names = changing?.map((column) => platform.quoteValue(column)).join(', ');
  const counts = names === undefined ? '' : ` and c.name in (${names})`;
  const gone = `e.${table.keys[0]?.quoted} is null`;
  return (
    `select b.key, case when ${gone} then 'delete' else 'update' end as operation, d.before, ` +
    `case when ${gone} then '{}'::jsonb else d.after end as after ` +
    `from json_to_recordset(${platform.quoteValue(images)}) as b(key text, ${types}) ` +
    `left join ${table.name} as e on ${hasKey(table, 'e', 'b.key')} ` +
    `cross join lateral (${changedColumns(em, compared, `${gone} or (${differ('c.old', 'c.new')}${counts})`)}) as d ` +
    'where d.before is not null'
  );
}

function insertsOf(em: EntityManager, { table }: WrittenRows, selection: RowSelection): string {
  const compared = table.columns.map(({ name, quoted }) => ({
    name,
    before: 'null',
    after: `e.${quoted}::text`,
  }));
  return (
    `select ${keyText(table, 'e')} as key, 'insert' as operation, '{}'::jsonb as before, d.after ` +
    `from ${table.name} as e cross join lateral (${changedColumns(em, compared, 'true')}) as d where ${selection}`
  );
}
