import type { EntityManager } from '@mikro-orm/core';
import { executeStatement } from '../sources/sql/execute-statement.js';

/** Bytes of write-ahead log that the server of PostgreSQL has inserted so far, of all connections. */
export async function walPosition(em: EntityManager): Promise<number> {
  const [row] = await executeStatement(
    em,
    `select (pg_current_wal_insert_lsn() - '0/0'::pg_lsn)::text as position`,
  );
  return Number(row?.['position']);
}
