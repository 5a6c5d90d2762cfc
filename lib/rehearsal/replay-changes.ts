import type { EntityManager, EntityMetadata } from '@mikro-orm/core';
import { quotedTable } from '../database/table-name.js';
import type { RawColumns } from './compare-rows.js';
import { keyColumns } from './raw-row.reader.js';
import type { RawColumn } from './raw-row.reader.js';

/** A row that the handler has changed. */
export interface ChangedRow {
  readonly before: RawColumns;
  readonly after: RawColumns;
}

/** Statements of PostgreSQL that make the same changes again. */
export interface Replay {
  /** That it changes. */
  readonly columns: readonly string[];
  readonly update: string;
  /** Locks the rows, as the guard of a run does before it writes them. */
  readonly lock: string;
}

/**
 * Statements that make the same changes to rows of a table; `null` where they cannot be made so: a key has changed, or a
 * column that only the database writes is all that has.
 */
export function replayOf(
  em: EntityManager,
  meta: EntityMetadata,
  columns: readonly RawColumn[],
  rows: readonly ChangedRow[],
): Replay | null {
  const keys = keyColumns(meta);
  const changed = columns.filter(
    ({ name, isWritable }) => isWritable && rows.some(({ before, after }) => before[name] !== after[name]),
  );
  if (changed.length === 0 || changed.some(({ name }) => keys.includes(name))) {
    return null;
  }
  const used = [...columns.filter(({ name }) => keys.includes(name)), ...changed];
  const quoted = (name: string) => em.getPlatform().quoteIdentifier(name);
  const literal = (value: string | null) => (value === null ? 'null' : em.getPlatform().quoteValue(value));
  const values = rows.map(
    ({ after }) => `(${used.map(({ name }) => literal(after[name] ?? null)).join(', ')})`,
  );
  const sets = changed.map(({ name, type }) => `${quoted(name)} = v.${quoted(name)}::${type}`);
  const match = used
    .filter(({ name }) => keys.includes(name))
    .map(({ name, type }) => `t.${quoted(name)} = v.${quoted(name)}::${type}`)
    .join(' and ');
  const names = used.map(({ name }) => quoted(name)).join(', ');
  const from = `(values ${values.join(', ')}) as v (${names})`;
  const table = `${quotedTable(em, meta)} as t`;
  return {
    columns: changed.map(({ name }) => name),
    update: `update ${table} set ${sets.join(', ')} from ${from} where ${match}`,
    lock: `select 1 from ${table}, ${from} where ${match} for update of t`,
  };
}
