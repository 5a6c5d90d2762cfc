import type { EntityManager, MikroORM } from '@mikro-orm/core';
import { Inject, Injectable } from '@nestjs/common';

/** Token of the app's `MikroORM`. */
export const APP_ORM = Symbol('nestjs-backfill:app-orm');

/** Gives each piece of work an entity manager of its own. */
@Injectable()
export class EntityManagers {
  constructor(@Inject(APP_ORM) readonly orm: MikroORM) {}

  fork(): EntityManager {
    // Asked for inside of a request scope that is itself waiting for this one, it must not look there.
    return this.orm.em.fork({ clear: true, disableContextResolution: true });
  }
}
