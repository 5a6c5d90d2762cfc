import { helper, raw, Utils } from '@mikro-orm/core';
import type { EntityManager, EntityMetadata } from '@mikro-orm/core';
import { keysFilter } from '../database/keys-filter.js';
import { quotedTable } from '../database/table-name.js';
import { executeStatement } from '../sources/sql/execute-statement.js';
import { asSqlManager, sqlFamily } from '../sources/sql/sql-manager.js';
import type { SqlFamily } from '../sources/sql/sql-manager.js';
import { StatementCounter } from './statement.counter.js';
import type { RawColumns } from './compare-rows.js';

const ALIAS = 'rehearsed';

/** The rows of one entity. */
export interface EntityRows {
  readonly meta: EntityMetadata;
  readonly entities: readonly object[];
}

/** A column of a table. */
export interface RawColumn {
  readonly name: string;
  /** As the database names it. */
  readonly type: string;
  /** Whether its values are bytes. */
  readonly isBinary: boolean;
  /** Whether a statement may assign to it. */
  readonly isWritable: boolean;
}

/** Groups rows by their entity; rows that are no entities are left out. */
export function groupByEntity(rows: readonly unknown[]): EntityRows[] {
  const groups = new Map<EntityMetadata, object[]>();
  for (const row of rows) {
    if (Utils.isEntity<object>(row)) {
      const meta = helper(row).__meta as EntityMetadata;
      groups.set(meta, [...(groups.get(meta) ?? []), row]);
    }
  }
  return [...groups].map(([meta, entities]) => ({ meta, entities }));
}

/** Reads rows as the database has them, all columns of the table as text, in the transaction of the entity manager. */
export class RawRowReader {
  private readonly columns = new Map<string, Promise<readonly RawColumn[]>>();

  /** The rows by their keys as text: see `keyTextOf`. */
  async read(em: EntityManager, { meta, entities }: EntityRows): Promise<Map<string, RawColumns>> {
    const sql = asSqlManager(em);
    const family = sqlFamily(em);
    if (!sql || !family || entities.length === 0) {
      return new Map();
    }
    return StatementCounter.exclude(async () => {
      const columns = await this.columnsOf(em, family, meta);
      const builder = sql.createQueryBuilder(meta.class, ALIAS);
      builder.select(columns.map((column) => raw(asText(em, family, column))));
      builder.where(keysFilter(meta, entities));
      const rows = await executeStatement(em, builder.getFormattedQuery());
      return new Map(
        rows.map((row) => {
          const values = Object.fromEntries(columns.map(({ name }) => [name, textOf(row[name])]));
          return [keyTextOf(meta, values), values];
        }),
      );
    });
  }

  /** The columns of the table of an entity, read once. */
  columnsOf(em: EntityManager, family: SqlFamily, meta: EntityMetadata): Promise<readonly RawColumn[]> {
    const table = quotedTable(em, meta);
    const known = this.columns.get(table) ?? readColumns(em, family, meta, table);
    this.columns.set(table, known);
    return known;
  }
}

/** The primary key of a row as text, by which its states before and after are the same row. */
export function keyTextOf(meta: EntityMetadata, values: RawColumns): string {
  return JSON.stringify(keyColumns(meta).map((column) => values[column] ?? null));
}

/** The columns of the primary key. */
export function keyColumns(meta: EntityMetadata): readonly string[] {
  return meta.getPrimaryProps().flatMap(({ fieldNames }) => fieldNames);
}

async function readColumns(
  em: EntityManager,
  family: SqlFamily,
  meta: EntityMetadata,
  table: string,
): Promise<readonly RawColumn[]> {
  const literal = (text: string) => em.getPlatform().quoteValue(text);
  const rows = await executeStatement(em, columnsStatement(family, meta.tableName, table, literal));
  return rows.map((row) => ({
    name: String(row['name']),
    type: String(row['type']),
    isBinary: /blob|binary|^bit/i.test(String(row['type'])),
    isWritable: row['writable'] !== false,
  }));
}

function columnsStatement(
  family: SqlFamily,
  name: string,
  table: string,
  literal: (text: string) => string,
): string {
  switch (family) {
    case 'postgresql':
      return (
        'select attname::text as name, format_type(atttypid, atttypmod) as type, ' +
        "attgenerated = '' and attidentity <> 'a' as writable from pg_attribute " +
        `where attrelid = to_regclass(${literal(table)}) and attnum > 0 and not attisdropped order by attnum`
      );
    case 'mysql':
      return (
        'select column_name as name, data_type as type from information_schema.columns ' +
        `where table_schema = database() and table_name = ${literal(name)} order by ordinal_position`
      );
    case 'sqlite':
      return `select name, type from pragma_table_xinfo(${literal(name)}) where hidden <> 1`;
    default:
      return family satisfies never;
  }
}

/** Selects a column as text that keeps every digit. */
function asText(em: EntityManager, family: SqlFamily, { name, isBinary }: RawColumn): string {
  const platform = em.getPlatform();
  const column = `${platform.quoteIdentifier(ALIAS)}.${platform.quoteIdentifier(name)}`;
  const alias = platform.quoteIdentifier(name);
  switch (family) {
    case 'postgresql':
      return `${column}::text as ${alias}`;
    case 'mysql':
      return isBinary
        ? `concat('0x', hex(${column})) as ${alias}`
        : `cast(${column} as char character set utf8mb4) as ${alias}`;
    case 'sqlite':
      // A real number is left to JavaScript, which writes all of its digits.
      return (
        `case typeof(${column}) when 'blob' then '0x' || hex(${column}) when 'integer' then cast(${column} as text) ` +
        `else ${column} end as ${alias}`
      );
    default:
      return family satisfies never;
  }
}

function textOf(value: unknown): string | null {
  if (value === null || value === undefined) {
    return null;
  }
  return typeof value === 'string' ? value : JSON.stringify(value);
}
