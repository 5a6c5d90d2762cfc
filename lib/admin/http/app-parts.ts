import { Injectable, Scope } from '@nestjs/common';
import type { Type } from '@nestjs/common';
import { ContextIdFactory, ModuleRef } from '@nestjs/core';
import type { ContextId } from '@nestjs/core';
import { BackfillDefinitionError } from '../../errors/backfill-definition.error.js';

/** Gives the part for a request: the one there is, or a new one where it is request-scoped. */
export type PartFor<T> = (request: object) => Promise<T>;

/**
 * Finds guards and interceptors among the providers of the whole app, where Nest itself would only look in
 * the module that has the controller.
 */
@Injectable()
export class AppParts {
  constructor(private readonly moduleRef: ModuleRef) {}

  /** Throws `BackfillDefinitionError` when a class can neither be found nor made. */
  async prepare<T extends object>(part: Type<T> | T): Promise<PartFor<T>> {
    if (typeof part !== 'function') {
      return () => Promise.resolve(part);
    }
    if (this.isScoped(part)) {
      return (request) => this.moduleRef.resolve(part, contextOf(request), { strict: false });
    }
    const only = this.find(part) ?? (await this.make(part));
    return () => Promise.resolve(only);
  }

  private find<T>(part: Type<T>): T | undefined {
    try {
      return this.moduleRef.get<T, T>(part, { strict: false });
    } catch {
      // Nobody provides it: it is made here.
      return undefined;
    }
  }

  /** True for a provider that is made anew for each request or consumer. */
  private isScoped(part: Type): boolean {
    try {
      return this.moduleRef.introspect(part).scope !== Scope.DEFAULT;
    } catch {
      // Nobody provides it.
      return false;
    }
  }

  private async make<T>(part: Type<T>): Promise<T> {
    try {
      return await this.moduleRef.create(part);
    } catch (cause) {
      throw new BackfillDefinitionError(
        `${part.name}, given to the admin endpoints, is no provider of the app and cannot be made without: ` +
          `${(cause as Error).message} Add ${part.name} to the providers of a module that the app imports.`,
        { cause },
      );
    }
  }
}

/** The context of a request, also where its scope was never asked for before. */
function contextOf(request: object): ContextId {
  return ContextIdFactory.getByRequest(request);
}
