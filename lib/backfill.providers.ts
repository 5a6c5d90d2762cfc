import type { MikroORM } from '@mikro-orm/core';
import { Logger } from '@nestjs/common';
import type { Provider } from '@nestjs/common';
import type { SchedulerRegistry } from '@nestjs/schedule';
import { APP_BULL, APP_ORM, APP_SCHEDULE } from './app-imports.js';
import type { BullRootOptions } from './app-imports.js';
import { BackfillLifecycle } from './backfill.lifecycle.js';
import { MODULE_OPTIONS_TOKEN } from './backfill.module-definition.js';
import { BackfillService } from './backfill.service.js';
import { ConfigStore } from './config/config.store.js';
import { BackfillExplorer } from './discovery/backfill.explorer.js';
import { BackfillRegistry } from './discovery/backfill.registry.js';
import { EntityManagers } from './execution/entity-managers.js';
import { RangeExecutor } from './execution/range.executor.js';
import { WorkSplitter } from './execution/work.splitter.js';
import { WorkerPool } from './execution/worker.pool.js';
import { LEDGER_PROVIDERS } from './ledger/ledger.providers.js';
import { made } from './made-provider.js';
import { BackfillHealthIndicator } from './monitoring/backfill.health.js';
import { TelemetrySwitch } from './monitoring/telemetry.switch.js';
import { QueuePublisher } from './queues/queue.publisher.js';
import { ListenerExplorer } from './hooks/listener.explorer.js';
import { ListenerOrchestrator } from './hooks/listener.orchestrator.js';
import { RESOLVED_OPTIONS, resolveModuleOptions } from './module-options.js';
import type { ResolvedModuleOptions } from './module-options.js';
import { BackfillQueues } from './queues/backfill-queues.js';
import { RedisConnections } from './redis/redis-connections.js';
import { RedisPulse } from './redis/redis.pulse.js';
import { RedisErrorLog } from './redis/redis-error.log.js';
import { BackfillWatchdog } from './scheduling/backfill.watchdog.js';
import { CycleRunner } from './scheduling/cycle.runner.js';
import { CycleScheduler } from './scheduling/cycle.scheduler.js';
import { RangePlanner } from './scheduling/range.planner.js';
import { RateGovernor } from './scheduling/rate.governor.js';
import { RunContinuer } from './scheduling/run.continuer.js';
import { RunGuard } from './scheduling/run.guard.js';
import { RunPreviewer } from './scheduling/run.previewer.js';
import { RunReconciler } from './scheduling/run.reconciler.js';
import { RunStarter } from './scheduling/run.starter.js';
import { BatchTuner } from './throttling/batch.tuner.js';
import { QuotaBucket } from './throttling/quota.bucket.js';
import { ThrottleEvaluator } from './throttling/throttle.evaluator.js';
import { BackfillKeys } from './tracking/backfill-keys.js';
import { EventLog } from './tracking/event.log.js';
import { FailureRetrier } from './tracking/failure.retrier.js';
import { FailureStore } from './tracking/failure.store.js';
import { HistoryLog } from './tracking/history.log.js';
import { newProcessId, PROCESS_ID } from './tracking/process-id.js';
import { LostRuns } from './tracking/lost.runs.js';
import { RangeTracker } from './tracking/range.tracker.js';
import { RunStore } from './tracking/run.store.js';
import { SampleStore } from './tracking/sample.store.js';
import { StatusReader } from './tracking/status.reader.js';
import { WorkerCensus } from './tracking/worker.census.js';

const logger = () => new Logger('Backfill');

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
    RedisPulse,
    [RedisConnections, BackfillKeys],
    ({ client }, keys) => new RedisPulse(client, keys.active),
  ),
];

const TRACKING: Provider[] = [
  made(RunStore, [RedisConnections, BackfillKeys], ({ client }, keys) => new RunStore(client, keys)),
  made(RangeTracker, [RedisConnections, BackfillKeys], ({ client }, keys) => new RangeTracker(client, keys)),
  made(FailureStore, [RedisConnections, BackfillKeys], ({ client }, keys) => new FailureStore(client, keys)),
  made(SampleStore, [RedisConnections, BackfillKeys], ({ client }, keys) => new SampleStore(client, keys)),
  made(ConfigStore, [RedisConnections, BackfillKeys], ({ client }, keys) => new ConfigStore(client, keys)),
  made(HistoryLog, [RedisConnections, BackfillKeys], ({ client }, keys) => new HistoryLog(client, keys)),
  made(
    EventLog,
    [RedisConnections, BackfillKeys],
    ({ client, reader }, keys) => new EventLog(client, reader, keys, logger()),
  ),
  made(
    WorkerCensus,
    [RedisConnections, BackfillKeys, PROCESS_ID],
    ({ client }, keys, processId: string) => new WorkerCensus(client, keys, processId),
  ),
  made(
    LostRuns,
    [RedisConnections, BackfillKeys, RESOLVED_OPTIONS],
    ({ client }, keys, { ledger }: ResolvedModuleOptions) => new LostRuns(client, keys, ledger, logger()),
  ),
  made(
    QuotaBucket,
    [RedisConnections, BackfillKeys, SampleStore],
    ({ client }, keys, samples) => new QuotaBucket(client, keys, samples),
  ),
  made(
    StatusReader,
    [RunStore, ConfigStore, SampleStore, WorkerCensus, LostRuns, QuotaBucket],
    (...parts) => new StatusReader(...parts),
  ),
  made(FailureRetrier, [FailureStore, BackfillQueues], (...parts) => new FailureRetrier(...parts)),
];

const SCHEDULING: Provider[] = [
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

const EXECUTION: Provider[] = [
  made(RangeExecutor, [EntityManagers], (...parts) => new RangeExecutor(...parts)),
  made(WorkSplitter, [EntityManagers], (...parts) => new WorkSplitter(...parts)),
  made(
    WorkerPool,
    [
      RESOLVED_OPTIONS,
      RedisConnections,
      BackfillKeys,
      BackfillRegistry,
      RunStore,
      ConfigStore,
      WorkerCensus,
      CycleScheduler,
      RunGuard,
      BackfillQueues,
      RangeTracker,
      RangeExecutor,
      WorkSplitter,
      QuotaBucket,
      ThrottleEvaluator,
      BatchTuner,
    ],
    (
      options: ResolvedModuleOptions,
      { client },
      { prefix },
      registry,
      runs,
      configs,
      census,
      cycles,
      guard,
      queues,
      tracker,
      executor,
      splitter,
      quota,
      throttles,
      tuner,
    ) =>
      new WorkerPool(servedBy(options), registry, runs, configs, census, cycles, guard, throttles, {
        client,
        queues,
        tracker,
        executor,
        splitter,
        quota,
        tuner,
        logger: logger(),
        prefix,
        lockDuration: options.lockDuration,
        shutdownTimeout: options.shutdownTimeout,
      }),
  ),
];

/** Everything the module provides. */
export const BACKFILL_PROVIDERS: Provider[] = [
  ...APP,
  BackfillRegistry,
  BackfillExplorer,
  ...TRACKING,
  ...SCHEDULING,
  ...EXECUTION,
  ...LEDGER_PROVIDERS,
  BackfillService,
  BackfillLifecycle,
  BackfillHealthIndicator,
  TelemetrySwitch,
  QueuePublisher,
  ListenerExplorer,
  ListenerOrchestrator,
];

function servedBy({ workers }: ResolvedModuleOptions): (backfill: string) => boolean {
  return (backfill) => (typeof workers === 'boolean' ? workers : workers.includes(backfill));
}
