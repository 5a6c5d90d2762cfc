import type { EntityManager } from '@mikro-orm/core';
import { ConnectionCache } from '../../database/connection-cache.js';
import { executeStatement } from '../../sources/sql/execute-statement.js';

/** The types of the columns of a table, by their names. */
export type TableColumns = ReadonlyMap<string, ColumnType>;

export interface ColumnType {
  /** As PostgreSQL writes it, without modifiers such as a length: those of the column apply to what is assigned to it. */
  readonly name: string;
  readonly oid: number;
  readonly isJson: boolean;
  /** Whether the type reads a number with a fraction. */
  readonly isFractional: boolean;
}

const tables = new ConnectionCache<TableColumns>();

/**
 * The columns of a table that can be written, except those of domains, whose constraints PostgreSQL checks at other times
 * than those of their base types.
 *
 * @param table quoted
 */
export async function tableColumns(em: EntityManager, table: string): Promise<TableColumns> {
  return tables.get(em, table, () => readColumns(em, table));
}

/** Has the columns read again: a migration may have changed them. */
export function forgetColumns(em: EntityManager): void {
  tables.forget(em);
}

async function readColumns(em: EntityManager, table: string): Promise<TableColumns> {
  const rows = await executeStatement(
    em,
    'select a.attname::text as column, format_type(t.oid, -1) as type, t.oid::int8::text as oid, ' +
      't.typname::text as base ' +
      'from pg_attribute a join pg_type t on t.oid = a.atttypid ' +
      `where a.attrelid = to_regclass(${em.getPlatform().quoteValue(table)}) and a.attnum > 0 ` +
      `and not a.attisdropped and t.typtype in ('b', 'e')`,
  );
  return new Map(
    rows.map(({ column, type, oid, base }) => [
      String(column),
      {
        name: String(type),
        oid: Number(oid),
        isJson: base === 'json' || base === 'jsonb',
        isFractional: ['numeric', 'float4', 'float8'].includes(String(base)),
      },
    ]),
  );
}
