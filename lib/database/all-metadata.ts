import type { EntityManager, EntityMetadata } from '@mikro-orm/core';

/** What MikroORM knows of all entities. */
export function allMetadata(em: EntityManager): readonly EntityMetadata[] {
  // Up to release 6 of MikroORM these are the values of an object, from then on those of a map.
  const all: unknown = em.getMetadata().getAll();
  return all instanceof Map ? [...all.values()] : Object.values(Object(all));
}
