import type { EntityManager, EntityMetadata } from '@mikro-orm/core';
import type { KeyReader } from '../keys/key-reader.js';
import { mysqlDialect } from './mysql.dialect.js';
import { portableKeyReader } from '../keys/portable-key.reader.js';
import { postgresDialect } from './postgres.dialect.js';
import { sqlFamily, type SqlFamily } from './sql-manager.js';
import { SqlKeyReader } from './sql-key.reader.js';
import { sqliteDialect } from './sqlite.dialect.js';

const READERS: Readonly<Record<SqlFamily, KeyReader>> = {
  postgresql: new SqlKeyReader(postgresDialect),
  mysql: new SqlKeyReader(mysqlDialect),
  sqlite: new SqlKeyReader(sqliteDialect),
};

/** The fastest reader that an entity's driver allows. */
export function selectKeyReader(em: EntityManager, meta: EntityMetadata): KeyReader {
  const { virtual, tptParent } = meta as { virtual?: boolean; tptParent?: unknown };
  // Neither has one table with all of its columns.
  const plainTable = virtual !== true && tptParent === undefined;
  const family = plainTable ? sqlFamily(em) : undefined;
  return family ? READERS[family] : portableKeyReader;
}
