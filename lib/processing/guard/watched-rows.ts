import { helper } from '@mikro-orm/core';
import type { ChangeSet, EntityMetadata } from '@mikro-orm/core';
import type { RowImages } from './row-images.js';

/** The rows that a guard watches: entities as they were loaded, and what other entity managers make of the same rows. */
export class WatchedRows {
  /** By the metadata of the root entity of their table. */
  private readonly keys = new Map<object, LoadedKeys>();

  /** @param images of the entities that were loaded */
  constructor(private readonly images: RowImages) {}

  add(entity: object): void {
    this.images.remember(entity);
    const { root } = helper(entity).__meta;
    let keys = this.keys.get(root);
    if (!keys) {
      keys = new LoadedKeys(root);
      this.keys.set(root, keys);
    }
    keys.add(entity);
  }

  /** Whether a change is one of a watched row. */
  has(change: ChangeSet<object>): boolean {
    return this.isLoaded(change) || this.hasKeyOf(change.entity);
  }

  /** Whether a change is one of an entity that was loaded, and not of another one of the same row. */
  isLoaded({ entity, meta, payload }: ChangeSet<object>): boolean {
    // An entity whose primary key has changed is another row.
    return this.images.has(entity) && !meta.primaryKeys.some((key) => key in payload);
  }

  private hasKeyOf(entity: object): boolean {
    const wrapped = helper(entity);
    return this.keys.get(wrapped.__meta.root)?.has(wrapped.getSerializedPrimaryKey()) === true;
  }
}

/**
 * The primary keys that entities of a table were loaded with. Few flushes ask for one: the first that does has them
 * serialized.
 */
class LoadedKeys {
  private readonly keys: (string | number)[] = [];
  private serialized: ReadonlySet<string> | null = null;
  /** The property of a primary key that MikroORM serializes as it is. */
  private readonly plain: string | undefined;

  constructor(meta: EntityMetadata) {
    const [property, ...others] = meta.getPrimaryProps();
    this.plain = others.length > 0 || property?.customType ? undefined : property?.name;
  }

  add(entity: object): void {
    const key: unknown = this.plain === undefined ? undefined : Reflect.get(entity, this.plain);
    this.keys.push(typeof key === 'number' ? key : helper(entity).getSerializedPrimaryKey());
    this.serialized = null;
  }

  has(key: string): boolean {
    this.serialized ??= new Set(this.keys.map(String));
    return this.serialized.has(key);
  }
}
