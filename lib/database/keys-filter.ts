import { helper } from '@mikro-orm/core';
import type { EntityMetadata } from '@mikro-orm/core';

/** Selects the rows of entities by their primary keys. */
export function keysFilter(meta: EntityMetadata, entities: readonly object[]): object {
  const keys = entities.map((entity) => helper(entity).getPrimaryKey());
  const [name = ''] = meta.primaryKeys;
  return meta.primaryKeys.length === 1 ? { [name]: { $in: keys } } : { $or: keys };
}
