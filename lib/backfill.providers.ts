import type { Provider, Type } from '@nestjs/common';
import { APP_BULL } from './app-imports.js';
import type { BullRootOptions } from './app-imports.js';
import { BackfillChecker } from './backfill.checker.js';
import { BackfillLifecycle } from './backfill.lifecycle.js';
import { MODULE_OPTIONS_TOKEN } from './backfill.module-definition.js';
import { BackfillService } from './backfill.service.js';
import { BudgetStore } from './config/budget.store.js';
import { ConfigStore } from './config/config.store.js';
import { RESOLVED_OPTIONS, resolveModuleOptions } from './config/module-options.js';
import type { ResolvedModuleOptions } from './config/module-options.js';
import { APP_ORM, EntityManagers } from './database/entity-managers.js';
import { DatabaseHealth } from './database/database.health.js';
import { LibraryConnections } from './database/library-connections.js';
import { MeasurementStore } from './forecast/measurement.store.js';
import { WalRecorder } from './forecast/wal.recorder.js';
import { BackfillChecks } from './handlers/backfill-checks.js';
import { BackfillExplorer } from './handlers/backfill.explorer.js';
import { BackfillRegistry } from './handlers/backfill.registry.js';
import { RunBinder } from './handlers/run.binder.js';
import { ListenerExplorer } from './hooks/listener.explorer.js';
import { ListenerOrchestrator } from './hooks/listener.orchestrator.js';
import { ConflictReader } from './journal/conflict.reader.js';
import { JournalChecker } from './journal/journal.checker.js';
import { JournalCleaner } from './journal/journal.cleaner.js';
import { JournalStore } from './journal/journal.store.js';
import { Journals } from './journal/journals.js';
import { Reversals } from './journal/reversals.js';
import { UndoStarter } from './journal/undo.starter.js';
import { BackfillLedger } from './ledger/backfill.ledger.js';
import { BudgetRestorer } from './ledger/budget.restorer.js';
import { ConfigRestorer } from './ledger/config.restorer.js';
import { LedgerChecker } from './ledger/ledger.checker.js';
import { LedgerLease } from './ledger/ledger.lease.js';
import { FailureReader } from './ledger/failure.reader.js';
import { LedgerReader } from './ledger/ledger.reader.js';
import { LedgerStore } from './ledger/ledger.store.js';
import { LedgerWriter } from './ledger/ledger.writer.js';
import { RunSnapshots } from './ledger/run-snapshot.js';
import { RunRestorer } from './ledger/run.restorer.js';
import { BackfillHealthIndicator } from './monitoring/backfill.health.js';
import { ExportedStatusReader } from './monitoring/exported-status.reader.js';
import { MetricsLeases } from './monitoring/metrics.leases.js';
import { TelemetryLoader } from './monitoring/telemetry.loader.js';
import { PressureReporter } from './pacing/pressure.reporter.js';
import { BudgetTurns } from './pacing/budget/budget-turns.js';
import { CurrentBudget } from './pacing/budget/current.budget.js';
import { SharedCalls } from './pacing/budget/shared.calls.js';
import { RateController } from './pacing/rate.controller.js';
import { ConcurrencyController } from './pacing/concurrency/concurrency.controller.js';
import { SharedQuota } from './pacing/shared.quota.js';
import { ThrottleEvaluator } from './pacing/throttle.evaluator.js';
import { ThrottlePoller } from './pacing/throttle.poller.js';
import { BatchTuner } from './planning/batch.tuner.js';
import { CycleRunner } from './planning/cycle.runner.js';
import { CycleWorkers } from './planning/cycle.workers.js';
import { FailureRetrier } from './planning/failure.retrier.js';
import { HeldBatches } from './planning/held-batches.js';
import { RangePlanner } from './planning/range.planner.js';
import { RunPreviewer } from './planning/run.previewer.js';
import { RunStarter } from './planning/run.starter.js';
import { SamplePlanner } from './planning/sample.planner.js';
import { CanaryPlanner } from './planning/canary.planner.js';
import { SampleVerifier } from './planning/sample.verifier.js';
import { VerificationPlanner } from './planning/verification.planner.js';
import { VerificationSteps } from './planning/verification.steps.js';
import { RangeExecutor } from './processing/range.executor.js';
import { RangeSplitter } from './processing/range.splitter.js';
import { RunWorkerDeps } from './processing/run-worker.deps.js';
import { SourceChecker } from './processing/source.checker.js';
import { TableFinder } from './processing/table.finder.js';
import { WorkReporter } from './processing/work.reporter.js';
import { WorkerPool } from './processing/worker.pool.js';
import { CycleQueues } from './queues/cycle.queues.js';
import { QueuePublisher } from './queues/queue.publisher.js';
import { RangeQueues } from './queues/range.queues.js';
import { BackfillKeys } from './redis/backfill-keys.js';
import { newProcessId, PROCESS_ID } from './redis/process-id.js';
import { REDIS_CLIENT, REDIS_READER, RedisConnections } from './redis/redis-connections.js';
import { RedisErrorLog } from './redis/redis-error.log.js';
import { RedisClock } from './redis/redis.clock.js';
import { RedisHealth } from './redis/redis.health.js';
import { Rehearser } from './rehearsal/rehearser.js';
import { ShutdownHooksCheck } from './shutdown-hooks.check.js';
import { EventStream } from './state/event.stream.js';
import { FailureStore } from './state/failure.store.js';
import { HistoryStore } from './state/history.store.js';
import { HoldStore } from './state/hold.store.js';
import { OverrideStore } from './state/override.store.js';
import { RangeStore } from './state/range.store.js';
import { RowSampleStore } from './state/row-sample.store.js';
import { RunStore } from './state/run.store.js';
import { SampleStore } from './state/sample.store.js';
import { WorkReportStore } from './state/work-report.store.js';
import { WorkerHeartbeats } from './state/worker.heartbeats.js';
import { FactsCache } from './status/facts.cache.js';
import { FactsStore } from './status/facts.store.js';
import { OverviewReader } from './status/overview.reader.js';
import { LockWaitReader } from './stalls/locks/lock-wait.reader.js';
import { StallDetector } from './stalls/stall.detector.js';
import { StallStore } from './stalls/stall.store.js';
import { LateRunDetector } from './status/late-run.detector.js';
import { StatusBuilder } from './status/status.builder.js';
import { StatusReader } from './status/status.reader.js';
import { APP_SCHEDULE, AppIntervals } from './supervision/app-intervals.js';
import { BackfillWatchdog } from './supervision/backfill.watchdog.js';
import { BudgetChanger } from './supervision/budget.changer.js';
import { ConfigChanger } from './supervision/config.changer.js';
import { JobReconciler } from './supervision/job.reconciler.js';
import { LostRunDetector } from './supervision/lost-run.detector.js';
import { RefusedRuns } from './supervision/refused-runs.js';
import { RunBreaker } from './supervision/run.breaker.js';
import { RunChecker } from './supervision/run.checker.js';
import { RunLog } from './supervision/run.log.js';
import { RunController } from './supervision/run.controller.js';
import { RunResumer } from './supervision/run.resumer.js';
import { RunSupervisor } from './supervision/run.supervisor.js';
import { ThrottleOverrider } from './supervision/throttle.overrider.js';
import { WalkChecker } from './supervision/walk.checker.js';

/** Values that classes inject by a token, and the classes whose arguments come from the options. */
const VALUES: Provider[] = [
  { provide: RESOLVED_OPTIONS, inject: [MODULE_OPTIONS_TOKEN], useFactory: resolveModuleOptions },
  { provide: PROCESS_ID, useFactory: newProcessId },
  {
    provide: BackfillKeys,
    inject: [RESOLVED_OPTIONS],
    useFactory: ({ keyPrefix }: ResolvedModuleOptions) => new BackfillKeys(keyPrefix),
  },
  {
    provide: RedisConnections,
    // The other imports of the app are injected, too, so that no connection is opened where one of them is missing.
    inject: [RESOLVED_OPTIONS, APP_BULL, RedisErrorLog, APP_ORM, APP_SCHEDULE],
    useFactory: ({ redis }: ResolvedModuleOptions, bull: BullRootOptions, { listener }: RedisErrorLog) =>
      redis === undefined
        ? new RedisConnections(bull.connection ?? {}, 'the connection of BullModule.forRoot', listener)
        : new RedisConnections(redis, 'the option redis', listener),
  },
  {
    provide: REDIS_CLIENT,
    inject: [RedisConnections],
    useFactory: ({ client }: RedisConnections) => client,
  },
  {
    provide: REDIS_READER,
    inject: [RedisConnections],
    useFactory: ({ reader }: RedisConnections) => reader,
  },
];

/** Classes that are their own tokens, ordered by the folders of `lib` from the bottom up. */
const CLASSES: Type[] = [
  RedisErrorLog,
  RedisClock,
  RedisHealth,
  EntityManagers,
  LibraryConnections,
  DatabaseHealth,
  ConfigStore,
  BudgetStore,
  BackfillRegistry,
  BackfillChecks,
  BackfillExplorer,
  RunBinder,
  RunStore,
  RangeStore,
  FailureStore,
  EventStream,
  WalRecorder,
  HistoryStore,
  HoldStore,
  OverrideStore,
  SampleStore,
  WorkerHeartbeats,
  WorkReportStore,
  RangeQueues,
  CycleQueues,
  QueuePublisher,
  CurrentBudget,
  BudgetTurns,
  SharedCalls,
  RateController,
  ConcurrencyController,
  SharedQuota,
  MeasurementStore,
  ThrottleEvaluator,
  PressureReporter,
  ThrottlePoller,
  AppIntervals,
  RunBreaker,
  JobReconciler,
  LostRunDetector,
  ThrottleOverrider,
  WalkChecker,
  RunChecker,
  RefusedRuns,
  RunLog,
  RunResumer,
  RunController,
  ConfigChanger,
  BudgetChanger,
  RunSupervisor,
  BackfillWatchdog,
  RunStarter,
  CycleRunner,
  CycleWorkers,
  RangePlanner,
  CanaryPlanner,
  VerificationPlanner,
  VerificationSteps,
  SamplePlanner,
  SampleVerifier,
  RowSampleStore,
  RunPreviewer,
  BatchTuner,
  HeldBatches,
  FailureRetrier,
  JournalStore,
  JournalChecker,
  Journals,
  Reversals,
  UndoStarter,
  ConflictReader,
  JournalCleaner,
  RangeExecutor,
  RangeSplitter,
  RunWorkerDeps,
  SourceChecker,
  TableFinder,
  WorkReporter,
  WorkerPool,
  Rehearser,
  FactsStore,
  FactsCache,
  StatusBuilder,
  LateRunDetector,
  StatusReader,
  OverviewReader,
  LockWaitReader,
  StallStore,
  StallDetector,
  LedgerStore,
  LedgerChecker,
  LedgerLease,
  RunSnapshots,
  LedgerWriter,
  BudgetRestorer,
  ConfigRestorer,
  RunRestorer,
  BackfillLedger,
  LedgerReader,
  FailureReader,
  BackfillService,
  BackfillChecker,
  BackfillLifecycle,
  ShutdownHooksCheck,
  BackfillHealthIndicator,
  MetricsLeases,
  ExportedStatusReader,
  TelemetryLoader,
  ListenerExplorer,
  ListenerOrchestrator,
];

/** All providers of the module. Nest searches every method of a class that is listed as such for guards, pipes and the like. */
export const BACKFILL_PROVIDERS: Provider[] = [
  ...VALUES,
  ...CLASSES.map((it) => ({ provide: it, useClass: it })),
];
