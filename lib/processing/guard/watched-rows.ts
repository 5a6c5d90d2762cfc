import { helper } from '@mikro-orm/core';
import type { ChangeSet } from '@mikro-orm/core';

/** The rows that a guard watches: entities as they were loaded, and what other entity managers make of the same rows. */
export class WatchedRows {
  private readonly entities = new Set<object>();
  /** Serialized primary keys, by the metadata of the root entity of their table. */
  private readonly keys = new Map<object, Set<string>>();

  add(entity: object): void {
    this.entities.add(entity);
    const wrapped = helper(entity);
    const { root } = wrapped.__meta;
    let keys = this.keys.get(root);
    if (!keys) {
      keys = new Set();
      this.keys.set(root, keys);
    }
    keys.add(wrapped.getSerializedPrimaryKey());
  }

  /** Whether a change is one of a watched row. */
  has(change: ChangeSet<object>): boolean {
    return this.isLoaded(change) || this.hasKeyOf(change.entity);
  }

  /** Whether a change is one of an entity that was loaded, and not of another one of the same row. */
  isLoaded({ entity, meta, payload }: ChangeSet<object>): boolean {
    // An entity whose primary key has changed is another row.
    return this.entities.has(entity) && !meta.primaryKeys.some((key) => key in payload);
  }

  private hasKeyOf(entity: object): boolean {
    const wrapped = helper(entity);
    return this.keys.get(wrapped.__meta.root)?.has(wrapped.getSerializedPrimaryKey()) === true;
  }
}
