import { Utils } from '@mikro-orm/core';
import type { EntityManager } from '@mikro-orm/core';

/** Has an entity manager forget a row and what was changed of it. */
export function forgetRow(em: EntityManager, row: unknown): void {
  // The rows of a source of the app's own need not be entities.
  if (Utils.isEntity<object>(row)) {
    em.getUnitOfWork().unsetIdentity(row);
  }
}
