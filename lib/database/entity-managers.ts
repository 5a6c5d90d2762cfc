import type { EntityManager, MikroORM } from '@mikro-orm/core';
import { Inject, Injectable } from '@nestjs/common';

/** Token of the app's `MikroORM`. */
export const APP_ORM = Symbol('nestjs-backfill:app-orm');

/** Forks entity managers: each range, and each access outside of one, has an identity map of its own. */
@Injectable()
export class EntityManagers {
  constructor(@Inject(APP_ORM) readonly orm: MikroORM) {}

  fork(): EntityManager {
    // Called inside a request scope whose entity manager is this very fork: context resolution would recurse.
    return this.orm.em.fork({ clear: true, disableContextResolution: true });
  }
}
