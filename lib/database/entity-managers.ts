import type { EntityManager, MikroORM } from '@mikro-orm/core';
import { Inject, Injectable } from '@nestjs/common';
import { BackfillDefinitionError } from '../errors/backfill-definition.error.js';

/** Token of the `MikroORM` of the module's context. */
export const APP_ORM = Symbol('nestjs-backfill:app-orm');
/** Token of what finds the `MikroORM` of another context. */
export const APP_ORM_FINDER = Symbol('nestjs-backfill:app-orm-finder');

/** The `MikroORM` that the app has registered with a `contextName`; `undefined` where it has none. */
export type OrmFinder = (contextName: string) => MikroORM | undefined;

/** A backfill, as far as it says which database its rows are in. */
export interface DatabaseUser {
  readonly name?: string;
  /** Absent: the context of the module. */
  readonly contextName?: string | undefined;
}

/** Forks entity managers: each range, and each access outside of one, has an identity map of its own. */
@Injectable()
export class EntityManagers {
  private readonly found = new Map<string, MikroORM>();

  constructor(
    @Inject(APP_ORM) private readonly orm: MikroORM,
    @Inject(APP_ORM_FINDER) private readonly find: OrmFinder = () => undefined,
  ) {}

  /**
   * @param user Default: the context of the module.
   * @throws BackfillDefinitionError where the app has no such context.
   */
  fork(user?: DatabaseUser): EntityManager {
    // Called inside a request scope whose entity manager is this very fork: context resolution would recurse.
    return this.ormOf(user).em.fork({ clear: true, disableContextResolution: true });
  }

  /**
   * @param user Default: the context of the module.
   * @throws BackfillDefinitionError where the app has no such context.
   */
  ormOf({ name, contextName }: DatabaseUser = {}): MikroORM {
    if (contextName === undefined) {
      return this.orm;
    }
    const found = this.found.get(contextName) ?? this.find(contextName);
    if (!found) {
      throw new BackfillDefinitionError(
        `Backfill "${name ?? 'unknown'}" has contextName '${contextName}', and the app has no MikroOrmModule of that name. ` +
          `Add it to the imports of the app module:\n  MikroOrmModule.forRoot({ ..., contextName: '${contextName}' }),   ` +
          "// import { MikroOrmModule } from '@mikro-orm/nestjs'",
      );
    }
    this.found.set(contextName, found);
    return found;
  }
}
