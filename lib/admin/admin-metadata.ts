import { Controller, Logger, UseGuards, UseInterceptors, VERSION_NEUTRAL } from '@nestjs/common';
import type { NestInterceptor, Provider, Type } from '@nestjs/common';
import { ModulesContainer } from '@nestjs/core';
import { RedisConnections } from '../redis/redis-connections.js';
import { AdminController } from './admin.controller.js';
import { ADMIN_OPTIONS, mountPath, resolveAdminOptions, securityOf } from './admin.options.js';
import type { BackfillAdminOptions, ResolvedAdminOptions } from './admin.options.js';
import { EventsController } from './events/events.controller.js';
import { SseStreams } from './events/sse-streams.js';
import { EnhancerResolver } from './http/enhancer-resolver.js';
import { ErrorInterceptor } from './http/error.interceptor.js';
import { RedisInterceptor } from './http/redis.interceptor.js';
import { SameOriginGuard } from './http/same-origin.guard.js';
import { components } from './openapi/components.js';
import { declaredParams } from './openapi/declared-params.js';
import { defineModels, describeEndpoints } from './openapi/describe-endpoints.js';
import { withParams } from './openapi/params-components.js';
import { PageAssets } from './page/page-assets.js';
import { PageController } from './page/page.controller.js';
import { ReservedNameChecker } from './reserved-name.checker.js';

/** The schemas that the OpenAPI document names, with those of the parameters of the app's backfills. */
const DESCRIBED_PARAMS = Symbol('described params');

/** Controllers and providers of a module that mounts the admin endpoints. */
export function adminMetadata(options: BackfillAdminOptions): { controllers: Type[]; providers: Provider[] } {
  const path = mountPath(options);
  // The order counts: the route `:name` of AdminController matches `ui` and `events`, too.
  const controllers = [
    // The page itself is served during an outage of Redis, so that it can report the outage.
    mounted(PageController, path),
    mounted(EventsController, path, [RedisInterceptor]),
    mounted(AdminController, path, [RedisInterceptor]),
  ];
  describeEndpoints(controllers, securityOf(options));
  return {
    controllers,
    providers: [
      {
        provide: ADMIN_OPTIONS,
        inject: [RedisConnections],
        useFactory: (connections: RedisConnections) => resolveOptions(options, connections),
      },
      {
        // With the other providers, so before an app can make its OpenAPI document.
        provide: DESCRIBED_PARAMS,
        inject: [ModulesContainer],
        useFactory: (modules: ModulesContainer) => {
          const described = withParams(components(), declaredParams(modules));
          defineModels(controllers, described);
          return described;
        },
      },
      SseStreams,
      PageAssets,
      ReservedNameChecker,
    ],
  };
}

/** A subclass for each mount, since Nest keeps path, guards and interceptors on the class. */
function mounted(
  base: abstract new () => object,
  path: string,
  interceptors: readonly Type<NestInterceptor>[] = [],
): Type {
  const Base = base as Type<object>;
  @Controller({ path, version: VERSION_NEUTRAL })
  @UseGuards(EnhancerResolver, SameOriginGuard)
  @UseInterceptors(EnhancerResolver, ErrorInterceptor, ...interceptors)
  class Mounted extends Base {}
  Object.defineProperty(Mounted, 'name', { value: `Backfill${base.name}` });
  return Mounted;
}

function resolveOptions(options: BackfillAdminOptions, connections: RedisConnections): ResolvedAdminOptions {
  try {
    const resolved = resolveAdminOptions(options);
    if (resolved.guards.length === 0) {
      new Logger('Backfill').warn(
        `The admin endpoints at "${resolved.path}" are open to everybody (allowUnguarded: true)`,
      );
    }
    return resolved;
  } catch (error) {
    // Nest does not close an app that failed to start; an open connection would keep its process alive.
    connections.close();
    throw error;
  }
}
