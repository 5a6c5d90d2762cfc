import type { EntityManager } from '@mikro-orm/core';
import { executeStatement } from '../../sources/sql/execute-statement.js';
import { asPostgresManager } from '../../sources/sql/sql-manager.js';

/** Selects the oldest transaction that is still running; the `txid` functions are those of every version. */
export const OLDEST_RUNNING = 'txid_snapshot_xmin(txid_current_snapshot())::text';
/** An older snapshot is as safe, but takes more rows for changed ones. */
const MAX_AGE_MS = 1_000;

const newest = new WeakMap<object, { readonly snapshot: DatabaseSnapshot; readonly at: number }>();

/**
 * A snapshot of the database at this moment, or of less than a second ago; `null` where the database is not PostgreSQL.
 */
export async function takeSnapshot(em: EntityManager): Promise<DatabaseSnapshot | null> {
  if (!asPostgresManager(em)) {
    return null;
  }
  const known = newest.get(em.getConnection('write'));
  if (known && performance.now() - known.at < MAX_AGE_MS) {
    return known.snapshot;
  }
  const at = performance.now();
  const [row] = await executeStatement(em, `select ${OLDEST_RUNNING} as oldest`);
  return rememberSnapshot(em, row?.['oldest'], at);
}

/**
 * Keeps a snapshot for the rows that are loaded next, which saves them a statement.
 *
 * @param oldest the answer to `OLDEST_RUNNING`
 * @param at by `performance.now()`, before the statement
 */
export function rememberSnapshot(em: EntityManager, oldest: unknown, at: number): DatabaseSnapshot {
  const snapshot = new DatabaseSnapshot(BigInt(String(oldest)));
  newest.set(em.getConnection('write'), { snapshot, at });
  return snapshot;
}

/**
 * The transactions that had ended when a snapshot of PostgreSQL was taken. A row version that such a transaction wrote is
 * the one that every later query sees, until somebody writes the row again.
 */
export class DatabaseSnapshot {
  private readonly oldest: number;

  /** @param oldestRunning 64-bit id of the oldest transaction that was running: all before it had ended */
  constructor(oldestRunning: bigint) {
    this.oldest = Number(BigInt.asIntN(32, oldestRunning));
  }

  /** The oldest transaction that was running, as the system column `xmin` would name it. */
  get oldestXid(): number {
    return this.oldest >>> 0;
  }

  /**
   * Whether a transaction had ended. A later one than the oldest that was running is said to have not, although it may:
   * PostgreSQL does not list the subtransactions that were running. So are those more than two billion transactions
   * ago, whose 32-bit ids compare as later ones.
   *
   * @param xid the system column `xmin` of a row version that is committed by now
   */
  includes(xid: number): boolean {
    return ((xid - this.oldest) | 0) < 0;
  }
}
