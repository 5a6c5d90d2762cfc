import type { EntityManager } from '@mikro-orm/core';
import { requireTransactions } from '../database/require-transactions.js';
import { BackfillRequestError } from '../errors/backfill-request.error.js';
import { sqlFamily } from '../sources/sql/sql-manager.js';

/** @throws BackfillRequestError where rows cannot be read as columns, or nothing can be rolled back */
export async function requireColumns(em: EntityManager, backfill: string): Promise<void> {
  await requireTransactions(em, backfill, 'rehearse');
  if (!sqlFamily(em)) {
    throw new BackfillRequestError(
      backfill,
      'rehearse',
      'called on an app whose database is PostgreSQL, MySQL, MariaDB or SQLite, whose columns it reads before and after',
      em.getPlatform().constructor.name,
    );
  }
}
