import type { EntityManager } from '@mikro-orm/core';
import { executeStatement } from '../sources/sql/execute-statement.js';
import { sqlFamily } from '../sources/sql/sql-manager.js';

/** Longest that a statement of a rehearsal waits for a lock of the app. */
const LOCK_TIMEOUT_MS = 1_000;

/**
 * Limits what the statements of a transaction wait for locks, and take, on PostgreSQL.
 *
 * @param settings further settings of the transaction, of names and values without quotes
 */
export async function limitTransaction(
  em: EntityManager,
  timeoutMs: number,
  settings: Readonly<Record<string, string>> = {},
): Promise<void> {
  if (sqlFamily(em) !== 'postgresql') {
    return;
  }
  const all = {
    lock_timeout: `${LOCK_TIMEOUT_MS}`,
    statement_timeout: `${Math.max(1, Math.ceil(timeoutMs))}`,
    ...settings,
  };
  const set = Object.entries(all).map(([name, value]) => `set_config('${name}', '${value}', true)`);
  await executeStatement(em, `select ${set.join(', ')}`);
}
