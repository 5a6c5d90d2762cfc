import type { EntityManager, EntityName } from '@mikro-orm/core';
import { BackfillRequestError } from '../errors/backfill-request.error.js';
import { allMetadata } from './all-metadata.js';
import { classifyError } from './classify-error.js';

/**
 * Makes sure that a dry run or a rehearsal can be rolled back. Every SQL database has transactions; MongoDB has them in a replica set
 * or a sharded cluster, which only a try can tell.
 *
 * @param field what is asked for, for the error
 * @throws BackfillRequestError
 */
export async function requireTransactions(
  em: EntityManager,
  backfill: string,
  field: 'dryRun' | 'rehearse' = 'dryRun',
): Promise<void> {
  if (em.getPlatform().usesImplicitTransactions()) {
    return;
  }
  const meta = allMetadata(em).find(
    ({ embeddable, virtual, abstract }) => !embeddable && !virtual && !abstract,
  );
  if (!meta) {
    return;
  }
  const probe = em.fork({ clear: true, disableContextResolution: true });
  await probe.begin();
  try {
    await probe.find(meta.class as EntityName<object>, {}, { limit: 1, filters: false });
  } catch (error) {
    if (classifyError(error).kind === 'unreachable') {
      throw error;
    }
    throw new BackfillRequestError(
      backfill,
      field,
      'a database with transactions, so that everything can be rolled back (for MongoDB a replica set)',
      error instanceof Error ? error.message : error,
      { cause: error },
    );
  } finally {
    await probe.rollback();
    probe.clear();
  }
}
