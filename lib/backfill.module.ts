import { Module } from '@nestjs/common';
import type { DynamicModule } from '@nestjs/common';
import { DiscoveryModule } from '@nestjs/core';
import { BACKFILL_PROVIDERS } from './backfill.providers.js';
import { ConfigurableModuleClass } from './backfill.module-definition.js';
import type { ASYNC_OPTIONS_TYPE, OPTIONS_TYPE } from './backfill.module-definition.js';
import { BackfillService } from './backfill.service.js';
import { BackfillHealthIndicator } from './monitoring/backfill.health.js';
import { BackfillRegistry } from './handlers/backfill.registry.js';
import { RangeQueues } from './queues/range.queues.js';
import { RedisConnections } from './redis/redis-connections.js';
import { RedisHealth } from './redis/redis.health.js';
import { EventStream } from './state/event.stream.js';

/**
 * Discovers the `@Backfill` handlers of the app, and runs them on the BullMQ, schedule and MikroORM of the app. Exports
 * `BackfillService` and `BackfillHealthIndicator`.
 *
 * @example
 * ```ts
 * @Module({
 *   imports: [
 *     MikroOrmModule.forRoot(...),
 *     BullModule.forRoot({ connection: { host: 'localhost', port: 6379 } }),
 *     ScheduleModule.forRoot(),
 *     BackfillModule.forRoot({ workers: true }),
 *   ],
 *   providers: [ReencryptMessages],
 * })
 * export class AppModule {}
 * ```
 *
 * @publicApi
 */
@Module({
  imports: [DiscoveryModule],
  providers: BACKFILL_PROVIDERS,
  // Beside the service and the health indicator, for other modules of this library.
  exports: [
    BackfillService,
    BackfillHealthIndicator,
    BackfillRegistry,
    RangeQueues,
    EventStream,
    RedisConnections,
    RedisHealth,
  ],
})
export class BackfillModule extends ConfigurableModuleClass {
  /**
   * Registers the library with the given options; all have defaults, so `forRoot()` is enough. They are the keys
   * of `BackfillModuleOptions` and those of `BackfillModuleExtras`: `admin`, `isGlobal`, `contextName` and
   * `bullConfigKey`. Import it once, in the root module of the app, beside `MikroOrmModule`, `BullModule` and
   * `ScheduleModule`.
   *
   * The options are validated while the app is created, which fails with `BackfillDefinitionError` (an invalid
   * option, a missing module) or `BackfillConfigError` (an invalid value in `config`).
   *
   * @example
   * ```ts
   * BackfillModule.forRoot({ workers: true, admin: { path: 'admin/backfills', guards: [OperatorGuard] } })
   * ```
   */
  static override forRoot(options: typeof OPTIONS_TYPE = {}): DynamicModule {
    return super.forRoot(options);
  }

  /**
   * Registers the library with options that are created with the app: by `useFactory` with `inject`, or by
   * `createBackfillOptions` of a class given as `useClass` or `useExisting`. The keys of `BackfillModuleExtras`
   * shape the module itself, so they stand beside `useFactory` and not in what it returns. Fails as `forRoot` does.
   *
   * @example
   * ```ts
   * BackfillModule.forRootAsync({
   *   inject: [ConfigService],
   *   useFactory: (config: ConfigService) => ({ keyPrefix: config.getOrThrow('BACKFILL_PREFIX') }),
   *   admin: { path: 'admin/backfills', guards: [OperatorGuard] },
   * })
   * ```
   */
  static override forRootAsync(options: typeof ASYNC_OPTIONS_TYPE): DynamicModule {
    return super.forRootAsync(options);
  }
}
