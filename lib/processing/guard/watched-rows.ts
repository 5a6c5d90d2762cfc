import type { ChangeSet } from '@mikro-orm/core';
import { identityOf } from './row-images.js';

/** The rows that a guard watches: entities as they were loaded, and what other entity managers make of the same rows. */
export class WatchedRows {
  private readonly entities = new Set<object>();
  private readonly identities = new Set<string>();

  add(entity: object): void {
    this.entities.add(entity);
    this.identities.add(identityOf(entity));
  }

  /** Whether a change is one of a watched row. */
  has(change: ChangeSet<object>): boolean {
    return this.isLoaded(change) || this.identities.has(identityOf(change.entity));
  }

  /** Whether a change is one of an entity that was loaded, and not of another one of the same row. */
  isLoaded({ entity, meta, payload }: ChangeSet<object>): boolean {
    // An entity whose primary key has changed is another row.
    return this.entities.has(entity) && !meta.primaryKeys.some((key) => key in payload);
  }
}
