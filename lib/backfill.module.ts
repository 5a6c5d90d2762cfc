import { Module } from '@nestjs/common';
import { DiscoveryModule } from '@nestjs/core';
import { BACKFILL_PROVIDERS } from './backfill.providers.js';
import { ConfigurableModuleClass } from './backfill.module-definition.js';
import { BackfillService } from './backfill.service.js';
import { BackfillHealthIndicator } from './monitoring/backfill.health.js';
import { BackfillRegistry } from './handlers/backfill.registry.js';
import { BackfillQueues } from './queues/backfill-queues.js';
import { RedisConnections } from './redis/redis-connections.js';
import { RedisPulse } from './redis/redis.pulse.js';
import { EventLog } from './state/event.log.js';

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
    BackfillQueues,
    EventLog,
    RedisConnections,
    RedisPulse,
  ],
})
export class BackfillModule extends ConfigurableModuleClass {}
