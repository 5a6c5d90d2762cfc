import { TransactionContext } from '@mikro-orm/core';
import type { EntityManager, EntityName } from '@mikro-orm/core';
import { NonRetryableError } from '../errors/handler.errors.js';
import type { BackfillContext } from '../handlers/backfill-context.js';
import { journalStatement } from '../journal/journal-statement.js';
import { entityOf } from '../sources/source-entity.js';
import type { Execution } from './execution.js';

/** `journal` of the context of a handler. */
export function journaledWrites(
  { backfill: { name, source }, journal }: Execution,
  em: () => EntityManager,
): BackfillContext['journal'] {
  const transactionBefore = TransactionContext.currentTransactionContext();
  return async (where, write, entity?: EntityName<object>) => {
    const transaction = TransactionContext.currentTransactionContext();
    const own = em();
    // A transaction of the handler, with em.transactional, has an entity manager of its own.
    const isOfHandler = transaction !== transactionBefore && transaction?.em.name === own.name;
    const manager = isOfHandler ? transaction.em : own;
    if (!journal) {
      return manager.isInTransaction() ? write(manager) : manager.transactional(write);
    }
    const meta = entity
      ? manager.getMetadata().get(entity as never)
      : entityOf(source, { em: manager, backfill: name });
    if (!meta) {
      throw new NonRetryableError(
        `Expected the entity whose rows are journaled: the source of backfill "${name}" has none. ` +
          'Write ctx.journal(where, write, Entity).',
      );
    }
    return journalStatement(manager, journal, { meta, where }, write);
  };
}
