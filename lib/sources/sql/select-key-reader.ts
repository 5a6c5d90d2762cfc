import type { EntityManager, EntityMetadata } from '@mikro-orm/core';
import type { KeyReader } from '../keys/key-reader.js';
import { portableKeyReader } from '../keys/portable-key.reader.js';
import { mysqlDialect } from './mysql.dialect.js';
import { postgresDialect } from './postgres.dialect.js';
import { SqlKeyReader } from './sql-key.reader.js';
import { type SqlFamily, sqlFamily } from './sql-manager.js';
import { sqliteDialect } from './sqlite.dialect.js';

const READERS: Readonly<Record<SqlFamily, KeyReader>> = {
  postgresql: new SqlKeyReader(postgresDialect),
  mysql: new SqlKeyReader(mysqlDialect),
  sqlite: new SqlKeyReader(sqliteDialect),
};

/** The SQL reader if the entity's database and mapping allow it, otherwise the portable one. */
export function selectKeyReader(em: EntityManager, meta: EntityMetadata): KeyReader {
  const { virtual, tptParent } = meta as { virtual?: boolean; tptParent?: unknown };
  // Virtual entities have no table; with table-per-type inheritance the columns are spread over several.
  const hasOneTable = virtual !== true && tptParent === undefined;
  const family = hasOneTable ? sqlFamily(em) : undefined;
  return family ? READERS[family] : portableKeyReader;
}
