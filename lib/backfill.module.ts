import { Module } from '@nestjs/common';
import { DiscoveryModule } from '@nestjs/core';
import { BACKFILL_PROVIDERS } from './backfill.providers.js';
import { ConfigurableModuleClass } from './backfill.module-definition.js';
import { BackfillService } from './backfill.service.js';
import { BackfillHealthIndicator } from './monitoring/backfill.health.js';
import { BackfillRegistry } from './handlers/backfill.registry.js';
import { RangeQueues } from './queues/range.queues.js';
import { RedisConnections } from './redis/redis-connections.js';
import { RedisHealth } from './redis/redis.health.js';
import { EventStream } from './state/event.stream.js';

/**
 * Finds the `@Backfill` handlers of the app and runs them on the app's own BullMQ, schedule and MikroORM.
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
  // The others are for the modules of this library that an app imports beside this one.
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
export class BackfillModule extends ConfigurableModuleClass {}
