import type { EntityManager } from '@mikro-orm/core';
import { findChangedRows } from './find-changed-rows.js';
import type { GuardSettings } from './find-changed-rows.js';
import type { RowImages } from './row-images.js';
import { RowsChangedError } from './rows-changed.error.js';

/**
 * Locks the rows of entities, and makes sure that they are as they were loaded.
 *
 * @param separable whether other rows can be written without those that are not
 * @throws RowsChangedError
 */
export async function requireUnchanged(
  em: EntityManager,
  entities: readonly object[],
  images: RowImages,
  settings: GuardSettings,
  separable: boolean,
): Promise<void> {
  const found = await findChangedRows(em, entities, images, settings);
  if (found.changed.length + found.locked.length > 0) {
    throw new RowsChangedError(found, separable);
  }
}
