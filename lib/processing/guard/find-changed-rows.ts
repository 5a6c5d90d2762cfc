import { helper, LockMode } from '@mikro-orm/core';
import type { EntityManager, EntityMetadata } from '@mikro-orm/core';
import { sqlFamily } from '../../sources/sql/sql-manager.js';
import { lockDatabase } from './lock-database.js';
import { lockUnchanged } from './lock-unchanged.js';
import { readRows } from './read-rows.js';
import { requireVisibleToUpdate } from './require-visible-to-update.js';
import type { LeftOut } from './rows-changed.error.js';
import type { DatabaseSnapshot } from './database-snapshot.js';
import type { RowImages } from './row-images.js';

/** What a guard compares. */
export interface GuardSettings {
  /** Taken before the rows were loaded; `null` where the database has none. */
  readonly snapshot: DatabaseSnapshot | null;
  /** Properties that are compared; `null`: all. */
  readonly columns: readonly string[] | null;
}

/**
 * Locks the rows of entities for the transaction of the entity manager, in the order of their keys, and answers those
 * that cannot be written: their rows are no longer as they were loaded, or locked by somebody else. It never waits for a
 * lock.
 *
 * @throws NonRetryableError where row-level security hides rows from UPDATE that it shows to SELECT
 */
export async function findChangedRows(
  em: EntityManager,
  entities: readonly object[],
  images: RowImages,
  { snapshot, columns }: GuardSettings,
): Promise<LeftOut> {
  const changed: object[] = [];
  const locked: object[] = [];
  if (entities.length > 0 && sqlFamily(em) === 'sqlite') {
    await lockDatabase(em, helper(entities[0] as object).__meta);
  }
  for (const [meta, group] of byMetadata(entities)) {
    const suspects = snapshot ? await lockUnchanged(em, meta, group, snapshot) : group;
    const found = suspects.length > 0 ? await compare(em, meta, suspects, images, columns) : null;
    changed.push(...(found?.changed ?? []));
    locked.push(...(found?.locked ?? []));
  }
  return { changed, locked };
}

function byMetadata(entities: readonly object[]): Map<EntityMetadata, object[]> {
  const groups = new Map<EntityMetadata, object[]>();
  for (const entity of entities) {
    const { __meta: meta } = helper(entity);
    const group = groups.get(meta);
    if (group) {
      group.push(entity);
    } else {
      groups.set(meta, [entity]);
    }
  }
  return groups;
}

/** Locks rows and loads them again, to compare their values. */
async function compare(
  em: EntityManager,
  meta: EntityMetadata,
  entities: readonly object[],
  images: RowImages,
  columns: readonly string[] | null,
): Promise<LeftOut> {
  // SQLite has no row locks: its database is locked.
  const lockMode = sqlFamily(em) === 'sqlite' ? undefined : LockMode.PESSIMISTIC_PARTIAL_WRITE;
  const loadedProperties = images.propertiesOf(entities);
  const current = await readRows(em, meta, entities, { lockMode, loadedProperties });
  const missing = entities.filter((entity) => !current.has(keyOf(entity)));
  const existing =
    missing.length === 0 || lockMode === undefined
      ? new Map<string, object>()
      : await readRows(em, meta, missing, { keysOnly: true });
  const changed = entities.filter((entity) => {
    const row = current.get(keyOf(entity));
    return row !== undefined && images.differs(em, meta, entity, row, columns);
  });
  const locked = missing.filter((entity) => existing.has(keyOf(entity)));
  await requireVisibleToUpdate(em, meta, locked);
  return { changed: [...changed, ...missing.filter((entity) => !existing.has(keyOf(entity)))], locked };
}

function keyOf(entity: object): string {
  return helper(entity).getSerializedPrimaryKey();
}
