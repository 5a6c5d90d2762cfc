import type { EntityManager, MikroORM } from '@mikro-orm/core';

/** Gives each piece of work an entity manager of its own. */
export class EntityManagers {
  constructor(readonly orm: MikroORM) {}

  fork(): EntityManager {
    return this.orm.em.fork({ clear: true });
  }
}
