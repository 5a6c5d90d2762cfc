import type { EntityManager, EntityMetadata } from '@mikro-orm/core';
import { BackfillDefinitionError } from '../../errors/backfill-definition.error.js';
import type { RegisteredBackfill } from '../../handlers/registered-backfill.js';
import { asSqlManager } from '../../sources/sql/sql-manager.js';
import { entityOf } from '../../sources/source-entity.js';

const LOCK_REMEDY = {
  row: 'Write processBatch instead of processRow, or leave out the guard: rows are then rechecked before they are written.',
  range:
    'Leave it out: a range handler locks rows with statements of its own, or writes with conditions on what it read.',
} as const;

/**
 * Makes sure that the database can guard the rows of a backfill, and that the entity has the properties to compare.
 *
 * @throws BackfillDefinitionError
 */
export function requireGuard(em: EntityManager, backfill: RegisteredBackfill): void {
  const { name, guard = 'recheck', shape, source } = backfill;
  if (guard === 'lock' && shape !== 'batch') {
    throw new BackfillDefinitionError(
      `The guard 'lock' of backfill "${name}" needs a batch handler, whose rows share one transaction; got a ${shape} ` +
        `handler. ${LOCK_REMEDY[shape]}`,
    );
  }
  const meta = shape === 'range' || guard === 'none' ? null : entityOf(source, { em, backfill: name });
  if (!meta) {
    return;
  }
  requireLocks(em, name);
  if (typeof guard === 'object') {
    requireProperties(meta, guard.columns, name);
  }
}

/**
 * MongoDB cannot lock documents that it has read.
 *
 * @throws BackfillDefinitionError
 */
export function requireLocks(em: EntityManager, backfill: string): void {
  if (!asSqlManager(em)) {
    throw new BackfillDefinitionError(
      `The guard of backfill "${backfill}" needs a database that locks rows, got ${em.getPlatform().constructor.name}. ` +
        `Write @Backfill({ guard: 'none' }) where nobody else writes these rows during a run, or use a range handler ` +
        'whose statements depend on what they read.',
    );
  }
}

function requireProperties(meta: EntityMetadata, columns: readonly string[], backfill: string): void {
  const unknown = columns.filter((column) => !(column in meta.properties));
  if (unknown.length > 0) {
    throw new BackfillDefinitionError(
      `The guard of backfill "${backfill}" must name properties of ${meta.className} (${meta.props.map(({ name }) => name).join(', ')}), ` +
        `got ${unknown.map((column) => JSON.stringify(column)).join(', ')}. Name them as the entity does, not as the table.`,
    );
  }
}
