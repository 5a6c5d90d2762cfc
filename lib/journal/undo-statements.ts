import type { EntityManager } from '@mikro-orm/core';
import { NonRetryableError } from '../errors/handler.errors.js';
import { executeStatement } from '../sources/sql/execute-statement.js';
import { journalTable } from './journal-rows.js';
import { openRowsOf } from './journal.source.js';
import type { JournalRange } from './journal.source.js';
import type { RowOperation } from './journal.entities.js';
import type { JournaledColumn, JournaledTable } from './journaled-table.js';
import { differ, hasHash, hasKey, keyText } from './row-sql.js';

/** Rows of a journal that are undone in one transaction. */
export interface UndoneRows {
  readonly range: JournalRange;
  readonly table: JournaledTable;
  /** Id of the run that undoes them. */
  readonly undoneBy: string;
}

/** What a range of a journal has: the operations, and the columns that they changed. */
export interface RangeContent {
  readonly operations: ReadonlySet<RowOperation>;
  readonly columns: readonly JournaledColumn[];
}

/**
 * Reads what a range of a journal has.
 *
 * @throws NonRetryableError where the table no longer has a column
 */
export async function readContent(em: EntityManager, { range, table }: UndoneRows): Promise<RangeContent> {
  const rows = await executeStatement(
    em,
    `select distinct operation, c.name from ${journalTable(em)} ` +
      'left join lateral jsonb_object_keys(values_before || hashes_after) as c(name) on true ' +
      `where ${openRowsOf(em, range)}`,
  );
  const names = new Set(rows.flatMap(({ name }) => (typeof name === 'string' ? [name] : [])));
  const missing = [...names].filter((name) => !table.columns.some((column) => column.name === name));
  if (missing.length > 0) {
    throw new NonRetryableError(
      `The table ${table.name} no longer has the column ${missing.join(', ')}, whose old values the journal has. ` +
        'Add it again, or cancel the undo.',
    );
  }
  return {
    operations: new Set(rows.map(({ operation }) => operation as RowOperation)),
    columns: table.columns.filter(({ name }) => names.has(name)),
  };
}

/**
 * Gives rows their old values back, those only that still have what the run wrote: each statement compares and writes a
 * row in one step, so that nothing that others write meanwhile is lost. Marks them in the journal in the same statement.
 */
export async function undoRows(
  em: EntityManager,
  rows: UndoneRows,
  { operations, columns }: RangeContent,
): Promise<void> {
  const { table } = rows;
  const matches = columns.map(
    (column) => `(${lacks(em, column, 'j.hashes_after')} or ${hasHash(em, column, 'e', 'j.hashes_after')})`,
  );
  const unchanged = [hasKey(table, 'e', 'j.row_key'), ...matches].join(' and ');
  const key = keyText(table, 'e');
  if (operations.has('void')) {
    await executeStatement(em, settle(em, rows, 'select row_key from j', 'void'));
  }
  if (operations.has('update')) {
    const assignments = columns.map(
      (column) =>
        `${column.quoted} = case when ${lacks(em, column, 'j.values_before')} then e.${column.quoted} else ${oldValue(em, column)} end`,
    );
    await executeStatement(
      em,
      settle(
        em,
        rows,
        `update ${table.name} as e set ${assignments.join(', ')} from j where ${unchanged} returning j.row_key`,
        'update',
      ),
    );
  }
  if (operations.has('insert')) {
    await executeStatement(
      em,
      settle(
        em,
        rows,
        `delete from ${table.name} as e using j where ${unchanged} returning j.row_key`,
        'insert',
      ),
    );
  }
  if (operations.has('delete')) {
    const names = columns.map(({ quoted }) => quoted).join(', ');
    const values = columns.map((column) => oldValue(em, column)).join(', ');
    await executeStatement(
      em,
      settle(
        em,
        rows,
        `insert into ${table.name} as e (${names}) overriding system value select ${values} from j ` +
          `on conflict do nothing returning ${key} as row_key`,
        'delete',
      ),
    );
  }
}

/**
 * Settles the rows that are left: those that have their old values are undone, as where the undo was repeated, and the
 * others are conflicts. Returns how many conflicts there are.
 */
export async function settleRest(
  em: EntityManager,
  rows: UndoneRows,
  { columns }: RangeContent,
): Promise<number> {
  const { range, table, undoneBy } = rows;
  const platform = em.getPlatform();
  const isGone = `e.${table.keys[0]?.quoted} is null`;
  const same = columns.map(
    (column) =>
      `(${lacks(em, column, 'j.values_before')} or not ` +
      `${differ(`e.${column.quoted}::text`, `j.values_before->>${platform.quoteValue(column.name)}`)})`,
  );
  const isOld = ['true', ...same].join(' and ');
  const [row] = await executeStatement(
    em,
    `with settled as (update ${journalTable(em)} as r set settled_by = ${platform.quoteValue(undoneBy)}, settled = s.settled ` +
      `from (select j.row_key, case when j.operation = 'insert' then case when ${isGone} then 'undone' else 'changed' end ` +
      `when ${isGone} then case j.operation when 'delete' then 'blocked' else 'gone' end ` +
      `when ${isOld} then 'undone' when j.operation = 'delete' then 'exists' else 'changed' end as settled ` +
      `from (select * from ${journalTable(em)} where ${openRowsOf(em, range)}) as j ` +
      `left join ${table.name} as e on ${hasKey(table, 'e', 'j.row_key')}) as s ` +
      `where ${inRange(em, range)} ` +
      'and r.row_key = s.row_key and r.settled is null returning r.settled) ' +
      `select count(*) filter (where settled <> 'undone')::int as conflicts from settled`,
  );
  return Number(row?.['conflicts']);
}

/** A statement that undoes the open rows `j` of one operation, and marks those that it answers as undone. */
function settle(
  em: EntityManager,
  { range, undoneBy }: UndoneRows,
  statement: string,
  operation: RowOperation,
): string {
  const platform = em.getPlatform();
  return (
    `with j as (select * from ${journalTable(em)} where ${openRowsOf(em, range)} and operation = '${operation}'), ` +
    `undone as (${statement}) ` +
    `update ${journalTable(em)} as r set settled = 'undone', settled_by = ${platform.quoteValue(undoneBy)} ` +
    `where ${inRange(em, range)} and r.row_key = any(array(select u.row_key from undone as u))`
  );
}

/**
 * Selects the journal's rows `r` of a range. Their keys are among those that a statement joins with: without statistics of
 * the journal, PostgreSQL would otherwise compare all of its rows with each of these.
 */
function inRange(em: EntityManager, { of, table, first, last }: JournalRange): string {
  const quote = (value: string) => em.getPlatform().quoteValue(value);
  return (
    `r.run_id = ${quote(of)} and r.table_name = ${quote(table)} and ` +
    `r.row_key between ${quote(first)} and ${quote(last)}`
  );
}

/** Whether `values`, which is `jsonb`, has no value of the column. */
function lacks(em: EntityManager, { name }: JournaledColumn, values: string): string {
  return `not jsonb_exists(${values}, ${em.getPlatform().quoteValue(name)})`;
}

function oldValue(em: EntityManager, { name, type }: JournaledColumn): string {
  return `(j.values_before->>${em.getPlatform().quoteValue(name)})::${type}`;
}
