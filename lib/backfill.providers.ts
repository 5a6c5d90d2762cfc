import type { MikroORM } from '@mikro-orm/core';
import type { Provider } from '@nestjs/common';
import { APP_BULL, APP_ORM, APP_SCHEDULE } from './app-imports.js';
import type { BullRootOptions } from './app-imports.js';
import { BackfillLifecycle } from './backfill.lifecycle.js';
import { MODULE_OPTIONS_TOKEN } from './backfill.module-definition.js';
import { BackfillService } from './backfill.service.js';
import { BackfillExplorer } from './handlers/backfill.explorer.js';
import { BackfillRegistry } from './handlers/backfill.registry.js';
import { EntityManagers } from './database/entity-managers.js';
import { LEDGER_PROVIDERS } from './ledger/ledger.providers.js';
import { made } from './made-provider.js';
import { BackfillHealthIndicator } from './monitoring/backfill.health.js';
import { TelemetrySwitch } from './monitoring/telemetry.switch.js';
import { QueuePublisher } from './queues/queue.publisher.js';
import { ListenerExplorer } from './hooks/listener.explorer.js';
import { ListenerOrchestrator } from './hooks/listener.orchestrator.js';
import { RESOLVED_OPTIONS, resolveModuleOptions } from './config/module-options.js';
import type { ResolvedModuleOptions } from './config/module-options.js';
import { RedisConnections } from './redis/redis-connections.js';
import { RedisHealth } from './redis/redis.health.js';
import { RedisErrorLog } from './redis/redis-error.log.js';
import { BackfillKeys } from './redis/backfill-keys.js';
import { newProcessId, PROCESS_ID } from './redis/process-id.js';
import { EXECUTION_PROVIDERS } from './processing/execution.providers.js';
import { SCHEDULING_PROVIDERS } from './planning/scheduling.providers.js';
import { TRACKING_PROVIDERS } from './state/tracking.providers.js';

/** What the app brings: an error names what it does not. */
const APP: Provider[] = [
  {
    provide: RESOLVED_OPTIONS,
    inject: [MODULE_OPTIONS_TOKEN],
    useFactory: resolveModuleOptions,
  },
  { provide: PROCESS_ID, useFactory: newProcessId },
  { provide: EntityManagers, inject: [APP_ORM], useFactory: (orm: MikroORM) => new EntityManagers(orm) },
  {
    provide: RedisConnections,
    // The others are asked for too: where one is missing, no connection is to be left open.
    inject: [RESOLVED_OPTIONS, APP_BULL, RedisErrorLog, APP_ORM, APP_SCHEDULE],
    useFactory: ({ redis }: ResolvedModuleOptions, bull: BullRootOptions, { listener }: RedisErrorLog) =>
      redis === undefined
        ? new RedisConnections(bull.connection ?? {}, 'the connection of BullModule.forRoot', listener)
        : new RedisConnections(redis, 'the option redis', listener),
  },
  RedisErrorLog,
  made(
    BackfillKeys,
    [RESOLVED_OPTIONS],
    (options: ResolvedModuleOptions) => new BackfillKeys(options.keyPrefix),
  ),
  made(
    RedisHealth,
    [RedisConnections, BackfillKeys],
    ({ client }, keys) => new RedisHealth(client, keys.active),
  ),
];

/** Everything the module provides. */
export const BACKFILL_PROVIDERS: Provider[] = [
  ...APP,
  BackfillRegistry,
  BackfillExplorer,
  ...TRACKING_PROVIDERS,
  ...SCHEDULING_PROVIDERS,
  ...EXECUTION_PROVIDERS,
  ...LEDGER_PROVIDERS,
  BackfillService,
  BackfillLifecycle,
  BackfillHealthIndicator,
  TelemetrySwitch,
  QueuePublisher,
  ListenerExplorer,
  ListenerOrchestrator,
];
