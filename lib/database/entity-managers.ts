import type { EntityManager, MikroORM } from '@mikro-orm/core';

/** Gives each piece of work an entity manager of its own. */
export class EntityManagers {
  constructor(readonly orm: MikroORM) {}

  fork(): EntityManager {
    // Asked for inside of a request scope that is itself waiting for this one, it must not look there.
    return this.orm.em.fork({ clear: true, disableContextResolution: true });
  }
}
