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
import { BackfillQueues } from '../queues/backfill-queues.js';
import { RedisConnections } from '../redis/redis-connections.js';
import { RedisErrorLog } from '../redis/redis-error.log.js';
import { BackfillWatchdog } from '../supervision/backfill.watchdog.js';
import { CycleRunner } from './cycle.runner.js';
import { CycleScheduler } from '../queues/cycle.scheduler.js';
import { RangePlanner } from './range.planner.js';
import { RateGovernor } from '../pacing/rate.governor.js';
import { RunContinuer } from '../supervision/run.continuer.js';
import { RunGuard } from '../supervision/run.guard.js';
import { RunPreviewer } from './run.previewer.js';
import { RunReconciler } from '../supervision/run.reconciler.js';
import { RunStarter } from './run.starter.js';
import { BatchTuner } from './batch.tuner.js';
import { QuotaBucket } from '../pacing/quota.bucket.js';
import { ThrottleEvaluator } from '../pacing/throttle.evaluator.js';
import { BackfillKeys } from '../redis/backfill-keys.js';
import { EventLog } from '../state/event.log.js';
import { PROCESS_ID } from '../redis/process-id.js';
import { RangeTracker } from '../state/range.tracker.js';
import { RunStore } from '../state/run.store.js';
import { SampleStore } from '../state/sample.store.js';
import { WorkerCensus } from '../state/worker.census.js';

const logger = () => new Logger('Backfill');

/** What plans runs, paces them and looks after them. */
export const SCHEDULING_PROVIDERS: Provider[] = [
  made(BatchTuner, [RedisConnections, BackfillKeys], ({ client }, keys) => new BatchTuner(client, keys)),
  made(
    ThrottleEvaluator,
    [RESOLVED_OPTIONS, EntityManagers, RedisConnections, BackfillKeys, QuotaBucket, PROCESS_ID],
    ({ throttles }: ResolvedModuleOptions, managers, { client }, keys, quota, processId: string) =>
      new ThrottleEvaluator(throttles, managers, client, keys, quota, processId, logger()),
  ),
  made(
    BackfillQueues,
    [RedisConnections, BackfillKeys, RedisErrorLog],
    ({ client }, keys, errors) => new BackfillQueues(client, keys, errors.listener),
  ),
  made(
    RateGovernor,
    [RedisConnections, BackfillKeys, BackfillQueues, EventLog],
    ({ client }, keys, queues, events) => new RateGovernor(client, keys, queues, events, logger()),
  ),
  made(
    RunGuard,
    [RedisConnections, BackfillKeys, RunStore],
    ({ client }, keys, runs) => new RunGuard(client, keys, runs, logger()),
  ),
  made(
    RangePlanner,
    [RunStore, RangeTracker, BackfillQueues, EntityManagers, EventLog],
    (...parts) => new RangePlanner(...parts, logger()),
  ),
  made(
    CycleRunner,
    [
      BackfillRegistry,
      RunStore,
      ConfigStore,
      RangeTracker,
      SampleStore,
      WorkerCensus,
      RateGovernor,
      RangePlanner,
      RunGuard,
      BatchTuner,
    ],
    (...parts) => new CycleRunner(...parts, logger()),
  ),
  made(
    CycleScheduler,
    [RedisConnections, BackfillKeys, RESOLVED_OPTIONS, RedisErrorLog],
    ({ client }, keys, { lockDuration }: ResolvedModuleOptions, errors) =>
      new CycleScheduler(client, keys, lockDuration, logger(), errors.listener),
  ),
  made(
    RunReconciler,
    [RangeTracker, BackfillQueues, BackfillKeys],
    (...parts) => new RunReconciler(...parts, logger()),
  ),
  made(
    RunStarter,
    [RunStore, ConfigStore, EntityManagers, WorkerCensus, RateGovernor, CycleScheduler],
    (...parts) => new RunStarter(...parts),
  ),
  made(
    RunContinuer,
    [BackfillRegistry, RunStore, ConfigStore, WorkerCensus, RateGovernor, RunReconciler, CycleScheduler],
    (...parts) => new RunContinuer(...parts),
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
      CycleScheduler,
      RateGovernor,
      RunReconciler,
      RunGuard,
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
        CycleScheduler,
        RateGovernor,
        RunReconciler,
        RunGuard,
        ThrottleEvaluator,
      ]
    ) => new BackfillWatchdog(client, keys, schedule, ...parts, logger()),
  },
];
