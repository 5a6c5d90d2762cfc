import { Inject, Injectable, Scope } from '@nestjs/common';
import type { CallHandler, CanActivate, ExecutionContext, NestInterceptor } from '@nestjs/common';
import type { OnModuleInit, Type } from '@nestjs/common';
import { ContextIdFactory, ModuleRef } from '@nestjs/core';
import type { ContextId } from '@nestjs/core';
import { defer, from, isObservable, lastValueFrom, mergeAll } from 'rxjs';
import type { Observable } from 'rxjs';
import { BackfillDefinitionError } from '../../errors/backfill-definition.error.js';
import { ADMIN_OPTIONS, enhancerProblem, invalidAdminOptions } from '../admin.options.js';
import type { ResolvedAdminOptions } from '../admin.options.js';
import { httpError } from './http-error.js';

/** Returns the singleton, or the instance that belongs to the request of a context. */
type Resolve<T> = (context: ExecutionContext) => Promise<T>;

/**
 * Runs the guards and interceptors of the admin options.
 *
 * They are not passed to `@UseGuards` and `@UseInterceptors`: Nest would make a new instance of each class in the
 * module of the controller, where the dependencies of a class from another module cannot be injected, and would skip
 * without an error an abstract class that the app provides with `useClass` or `useValue`.
 */
@Injectable()
export class EnhancerResolver implements CanActivate, NestInterceptor, OnModuleInit {
  private guards: Resolve<CanActivate>[] | undefined;
  private interceptors: Resolve<NestInterceptor>[] = [];
  private readonly contextIds = new WeakMap<object, ContextId>();

  constructor(
    @Inject(ADMIN_OPTIONS) private readonly options: ResolvedAdminOptions,
    private readonly moduleRef: ModuleRef,
  ) {}

  /**
   * Throws `BackfillDefinitionError` for a class that no module provides and that cannot be instantiated, and for one whose
   * instances lack the method.
   */
  async onModuleInit(): Promise<void> {
    const { guards, interceptors } = this.options;
    this.guards = await Promise.all(
      guards.map((guard, i) => this.resolver(guard, 'canActivate', `guards.${i}`)),
    );
    this.interceptors = await Promise.all(
      interceptors.map((interceptor, i) => this.resolver(interceptor, 'intercept', `interceptors.${i}`)),
    );
  }

  async canActivate(context: ExecutionContext): Promise<boolean> {
    if (!this.guards) {
      throw forbidden('The guards of the admin endpoints are not initialized yet');
    }
    for (const resolve of this.guards) {
      const result = (await resolve(context)).canActivate(context);
      if (!(await (isObservable(result) ? lastValueFrom(result, { defaultValue: false }) : result))) {
        throw forbidden('Forbidden resource');
      }
    }
    return true;
  }

  intercept(context: ExecutionContext, next: CallHandler): Observable<unknown> {
    const wrap = (inner: CallHandler, resolve: Resolve<NestInterceptor>): CallHandler => ({
      handle: () =>
        defer(async () => from(await (await resolve(context)).intercept(context, inner))).pipe(mergeAll()),
    });
    return this.interceptors.reduceRight(wrap, next).handle();
  }

  private async resolver<T extends object>(
    enhancer: Type<T> | T,
    method: 'canActivate' | 'intercept',
    field: string,
  ): Promise<Resolve<T>> {
    if (typeof enhancer !== 'function') {
      return () => Promise.resolve(enhancer);
    }
    const scope = this.scopeOf(enhancer);
    const check = (instance: unknown) => {
      const problem = enhancerProblem(instance, method, enhancer);
      if (problem !== null) {
        throw invalidAdminOptions([{ field, problem }]);
      }
    };
    if (scope === Scope.REQUEST || scope === Scope.TRANSIENT) {
      if (typeof Reflect.get(enhancer.prototype as object, method) !== 'function') {
        // Without a request some cannot be instantiated: those are not known to lack the method.
        await this.moduleRef.resolve(enhancer, undefined, { strict: false }).then(check, () => undefined);
      }
      return (context) => this.moduleRef.resolve(enhancer, this.contextIdOf(context), { strict: false });
    }
    const singleton =
      scope === undefined
        ? await this.instantiate(enhancer)
        : this.moduleRef.get<T, T>(enhancer, { strict: false });
    check(singleton);
    return () => Promise.resolve(singleton);
  }

  /** `undefined` for a class that no module provides. */
  private scopeOf(type: Type): Scope | undefined {
    try {
      return this.moduleRef.introspect(type).scope;
    } catch {
      return undefined;
    }
  }

  private async instantiate<T>(type: Type<T>): Promise<T> {
    try {
      return await this.moduleRef.create(type);
    } catch (cause) {
      throw new BackfillDefinitionError(
        `${type.name}, given in the admin options, is not a provider of the app and cannot be instantiated: ` +
          `${(cause as Error).message} Add ${type.name} to the providers of a module that the app imports.`,
        { cause },
      );
    }
  }

  /** One for all enhancers of a request, so that they share request-scoped providers; `REQUEST` can be injected. */
  private contextIdOf(context: ExecutionContext): ContextId {
    const request = context.switchToHttp().getRequest<object>();
    const known = this.contextIds.get(request);
    if (known) {
      return known;
    }
    const id = ContextIdFactory.getByRequest(request);
    this.moduleRef.registerRequestByContextId(request, id);
    this.contextIds.set(request, id);
    return id;
  }
}

/** As Nest answers where a guard returns false, with a code. What a guard throws itself stays as it is. */
function forbidden(message: string): Error {
  return httpError(403, 'BACKFILL_ADMIN_FORBIDDEN', message);
}
