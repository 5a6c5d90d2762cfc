import { Logger } from '@nestjs/common';
import type { Provider } from '@nestjs/common';
import type { SchedulerRegistry } from '@nestjs/schedule';
import { APP_SCHEDULE } from '../app-imports.js';
import { ConfigStore } from '../config/config.store.js';
import { BackfillRegistry } from '../handlers/backfill.registry.js';
import { EntityManagers } from '../database/entity-managers.js';
import { made } from '../made-provider.js';
import { RESOLVED_OPTIONS } from '../config/module-options.js';
import type { ResolvedModuleOptions } from '../config/module-options.js';
import { RangeQueues } from '../queues/range.queues.js';
import { RedisConnections } from '../redis/redis-connections.js';
import { RedisErrorLog } from '../redis/redis-error.log.js';
import { BackfillWatchdog } from '../supervision/backfill.watchdog.js';
import { CycleRunner } from './cycle.runner.js';
import { CycleQueue } from '../queues/cycle.queue.js';
import { RangePlanner } from './range.planner.js';
import { RateController } from '../pacing/rate.controller.js';
import { RunResumer } from '../supervision/run.resumer.js';
import { RunBreaker } from '../supervision/run.breaker.js';
import { RunPreviewer } from './run.previewer.js';
import { JobReconciler } from '../supervision/job.reconciler.js';
import { RunStarter } from './run.starter.js';
import { BatchTuner } from './batch.tuner.js';
import { SharedQuota } from '../pacing/shared.quota.js';
import { ThrottleEvaluator } from '../pacing/throttle.evaluator.js';
import { BackfillKeys } from '../redis/backfill-keys.js';
import { EventStream } from '../state/event.stream.js';
import { PROCESS_ID } from '../redis/process-id.js';
import { RangeStore } from '../state/range.store.js';
import { RunStore } from '../state/run.store.js';
import { SampleStore } from '../state/sample.store.js';
import { WorkerHeartbeats } from '../state/worker.heartbeats.js';

const logger = () => new Logger('Backfill');

/** What plans runs, paces them and looks after them. */
export const SCHEDULING_PROVIDERS: Provider[] = [
  made(BatchTuner, [RedisConnections, BackfillKeys], ({ client }, keys) => new BatchTuner(client, keys)),
  made(
    ThrottleEvaluator,
    [RESOLVED_OPTIONS, EntityManagers, RedisConnections, BackfillKeys, SharedQuota, PROCESS_ID],
    ({ throttles }: ResolvedModuleOptions, managers, { client }, keys, quota, processId: string) =>
      new ThrottleEvaluator(throttles, managers, client, keys, quota, processId, logger()),
  ),
  made(
    RangeQueues,
    [RedisConnections, BackfillKeys, RedisErrorLog],
    ({ client }, keys, errors) => new RangeQueues(client, keys, errors.listener),
  ),
  made(
    RateController,
    [RedisConnections, BackfillKeys, RangeQueues, EventStream],
    ({ client }, keys, queues, events) => new RateController(client, keys, queues, events, logger()),
  ),
  made(
    RunBreaker,
    [RedisConnections, BackfillKeys, RunStore],
    ({ client }, keys, runs) => new RunBreaker(client, keys, runs, logger()),
  ),
  made(
    RangePlanner,
    [RunStore, RangeStore, RangeQueues, EntityManagers, EventStream],
    (...parts) => new RangePlanner(...parts, logger()),
  ),
  made(
    CycleRunner,
    [
      BackfillRegistry,
      RunStore,
      ConfigStore,
      RangeStore,
      SampleStore,
      WorkerHeartbeats,
      RateController,
      RangePlanner,
      RunBreaker,
      BatchTuner,
    ],
    (...parts) => new CycleRunner(...parts, logger()),
  ),
  made(
    CycleQueue,
    [RedisConnections, BackfillKeys, RESOLVED_OPTIONS, RedisErrorLog],
    ({ client }, keys, { lockDuration }: ResolvedModuleOptions, errors) =>
      new CycleQueue(client, keys, lockDuration, logger(), errors.listener),
  ),
  made(
    JobReconciler,
    [RangeStore, RangeQueues, BackfillKeys],
    (...parts) => new JobReconciler(...parts, logger()),
  ),
  made(
    RunStarter,
    [RunStore, ConfigStore, EntityManagers, WorkerHeartbeats, RateController, CycleQueue],
    (...parts) => new RunStarter(...parts),
  ),
  made(
    RunResumer,
    [BackfillRegistry, RunStore, ConfigStore, WorkerHeartbeats, RateController, JobReconciler, CycleQueue],
    (...parts) => new RunResumer(...parts),
  ),
  made(RunPreviewer, [ConfigStore, EntityManagers], (...parts) => new RunPreviewer(...parts)),
  {
    provide: BackfillWatchdog,
    inject: [
      APP_SCHEDULE,
      RedisConnections,
      BackfillKeys,
      BackfillRegistry,
      RunStore,
      ConfigStore,
      SampleStore,
      CycleQueue,
      RateController,
      JobReconciler,
      RunBreaker,
      ThrottleEvaluator,
    ],
    useFactory: (
      schedule: SchedulerRegistry,
      { client }: RedisConnections,
      keys: BackfillKeys,
      ...parts: [
        BackfillRegistry,
        RunStore,
        ConfigStore,
        SampleStore,
        CycleQueue,
        RateController,
        JobReconciler,
        RunBreaker,
        ThrottleEvaluator,
      ]
    ) => new BackfillWatchdog(client, keys, schedule, ...parts, logger()),
  },
];
