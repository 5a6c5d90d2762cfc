import { Controller, Logger, UseGuards, UseInterceptors, VERSION_NEUTRAL } from '@nestjs/common';
import type { NestInterceptor, Provider, Type } from '@nestjs/common';
import { RedisConnections } from '../redis/redis-connections.js';
import { AdminController } from './admin.controller.js';
import { ADMIN_OPTIONS, mountPath, resolveAdminOptions } from './admin.options.js';
import type { BackfillAdminOptions, ResolvedAdminOptions } from './admin.options.js';
import { SseStreams } from './events/sse-streams.js';
import { EventsController } from './events/events.controller.js';
import { AppGuards } from './http/app-guards.guard.js';
import { AppInterceptors } from './http/app-interceptors.interceptor.js';
import { AppParts } from './http/app-parts.js';
import { ErrorInterceptor } from './http/error.interceptor.js';
import { RedisInterceptor } from './http/redis.interceptor.js';
import { SameOriginGuard } from './http/same-origin.guard.js';
import { NameCheck } from './name.check.js';
import { describeEndpoints } from './openapi/describe-endpoints.js';
import { PageAssets } from './page/page.assets.js';
import { PageController } from './page/page.controller.js';

/** What a module needs to have the admin endpoints: classes of its own, so that two apps never meet. */
export function adminParts(options: BackfillAdminOptions): { controllers: Type[]; providers: Provider[] } {
  const path = mountPath(options);
  // `:name` would take `ui` and `events` for names of backfills, were it first.
  const controllers = [
    mounted(PageController, path),
    // The page has nothing from Redis: it is to come up and say that Redis is gone.
    ...[EventsController, AdminController].map((base) => mounted(base, path, [RedisInterceptor])),
  ];
  describeEndpoints(controllers);
  return {
    controllers,
    providers: [
      {
        provide: ADMIN_OPTIONS,
        inject: [RedisConnections],
        useFactory: (connections: RedisConnections) => checked(options, connections),
      },
      AppParts,
      AppGuards,
      AppInterceptors,
      SameOriginGuard,
      ErrorInterceptor,
      RedisInterceptor,
      SseStreams,
      PageAssets,
      NameCheck,
    ],
  };
}

function mounted(
  base: abstract new () => object,
  path: string,
  interceptors: readonly Type<NestInterceptor>[] = [],
): Type {
  const Base = base as Type<object>;
  @Controller({ path, version: VERSION_NEUTRAL })
  @UseGuards(AppGuards, SameOriginGuard)
  @UseInterceptors(AppInterceptors, ErrorInterceptor, ...interceptors)
  class Mounted extends Base {}
  Object.defineProperty(Mounted, 'name', { value: `Backfill${base.name}` });
  return Mounted;
}

function checked(options: BackfillAdminOptions, connections: RedisConnections): ResolvedAdminOptions {
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
