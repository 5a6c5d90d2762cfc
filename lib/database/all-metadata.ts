import type { EntityManager, EntityMetadata } from '@mikro-orm/core';

/** The metadata of all entities. */
export function allMetadata(em: EntityManager): readonly EntityMetadata[] {
  // MikroORM 6 keeps them in an object, MikroORM 7 in a map.
  const all: unknown = em.getMetadata().getAll();
  return all instanceof Map ? [...all.values()] : Object.values(Object(all));
}
