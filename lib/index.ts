export { BackfillModule } from './backfill.module.js';
export type { BackfillModuleExtras } from './backfill.module-definition.js';
export type { BackfillModuleOptions } from './config/module-options.js';
export { BackfillService } from './backfill.service.js';
export type {
  ActionOptions,
  ConfigureOptions,
  DatabaseReceipt,
  ResumeOptions,
  RetryOptions,
  RetryReceipt,
  RunReceipt,
  StartOptions,
  UndoOptions,
} from './state/run-actions.js';

export { BackfillAdminModule } from './admin/admin.module.js';
export type { ActorResolver, BackfillAdminOptions } from './admin/admin.options.js';

export { Backfill } from './handlers/backfill.decorator.js';
export type { BackfillOptions, BackfillSuitableSource } from './handlers/backfill.decorator.js';
export type {
  ParamsOf,
  StandardSchema,
  StandardSchemaIssue,
  StandardSchemaResult,
} from './handlers/params/standard-schema.js';
export type { BackfillGuard } from './handlers/backfill-guard.js';

export { BackfillHealthIndicator } from './monitoring/backfill.health.js';
export type { BackfillHealthOptions, BackfillHealthResult } from './monitoring/backfill.health.js';
export { getBackfillQueueToken } from './queues/backfill-queue.token.js';

export { OnBackfill } from './hooks/on-backfill.decorator.js';
export type { OnBackfillOptions } from './hooks/on-backfill.decorator.js';

export type { BackfillContext } from './handlers/backfill-context.js';
export type { BackfillHandlerClass, BatchHandler, RangeHandler, RowHandler } from './handlers/handlers.js';

export type {
  AutoTuneConfig,
  BackfillConfig,
  BackfillConfigPatch,
  QuotaConfig,
} from './config/backfill-config.js';
export type { ConcurrencyRange, ConcurrencySetting } from './config/concurrency-setting.js';
export type { ConfigOrigins, ConfigValueOrigin } from './config/config-origins.js';
export type { BackfillBudget, BudgetLimits } from './config/backfill-budget.js';
export type { ConfigInForce } from './config/config.store.js';
export type { OnOtherVersion } from './config/handler-version.js';

export type {
  BackfillThrottle,
  ThrottleContext,
  ThrottleOptions,
  ThrottlePressure,
} from './throttles/backfill-throttle.js';
export { eventLoopLag } from './throttles/event-loop-lag.js';
export type { EventLoopLagOptions } from './throttles/event-loop-lag.js';
export { httpThrottle } from './throttles/http-throttle.js';
export type { HttpThrottleOptions } from './throttles/http-throttle.js';
export { mysqlReplicaLag } from './throttles/mysql-replica-lag.js';
export type { MysqlReplicaLagOptions } from './throttles/mysql-replica-lag.js';
export { mysqlThreads } from './throttles/mysql-threads.js';
export type { MysqlThreadsOptions } from './throttles/mysql-threads.js';
export { postgresArchiveBacklog } from './throttles/postgres-archive-backlog.js';
export type { ArchiveBacklogOptions } from './throttles/postgres-archive-backlog.js';
export { postgresAutovacuum } from './throttles/postgres-autovacuum.js';
export type { AutovacuumOptions } from './throttles/postgres-autovacuum.js';
export { postgresWaits } from './throttles/postgres-waits.js';
export type { WaitsOptions } from './throttles/postgres-waits.js';
export { postgresWalRate } from './throttles/postgres-wal-rate.js';
export type { WalRateOptions } from './throttles/postgres-wal-rate.js';
export { heapUse } from './throttles/heap-use.js';
export type { HeapUseOptions } from './throttles/heap-use.js';
export { postgresConnections } from './throttles/postgres-connections.js';
export type { ConnectionsOptions } from './throttles/postgres-connections.js';
export { postgresLockWait } from './throttles/postgres-lock-wait.js';
export type { LockWaitOptions } from './throttles/postgres-lock-wait.js';
export { postgresReplicationLag } from './throttles/postgres-replication-lag.js';
export type { ReplicationLagOptions } from './throttles/postgres-replication-lag.js';
export { probeLatency } from './throttles/probe-latency.js';
export type { ProbeLatencyOptions } from './throttles/probe-latency.js';
export { thresholdThrottle } from './throttles/threshold-throttle.js';
export type { ThresholdThrottleOptions } from './throttles/threshold-throttle.js';
export { queueDepth } from './throttles/queue-depth.js';
export type { QueueDepthOptions } from './throttles/queue-depth.js';

export { idRange } from './sources/id-range/id-range.js';
export type { IdKey, IdOf, IdRangeOptions, IntegerKeyed } from './sources/id-range/id-range.js';
export { array } from './sources/array/array.js';
export type { ArrayOptions } from './sources/array/array.js';
export { csvFile } from './sources/csv/csv-file.js';
export type { CsvFileOptions } from './sources/csv/csv-file.js';
export type { CsvRecord } from './sources/csv/record-parser.js';
export type { CsvStream } from './sources/csv/stream-content.js';
export { keyset } from './sources/keyset/keyset.js';
export type { KeysetOptions } from './sources/keyset/keyset.js';
export type { DatabasePartition, SourceFilter, SourceScopeOptions } from './sources/source-options.js';
export type {
  BackfillRange,
  BackfillSource,
  JsonValue,
  OpenRequest,
  PlannedRange,
  PlanRequest,
  RowTotal,
  SourceContext,
  SourceInspection,
  SourceCoverage,
  SourceOpening,
  SourcePartition,
  SourcePlan,
  SourceUse,
  SourceWarning,
  UnsuitableSource,
} from './sources/backfill-source.js';
export type { ArrayRange, CsvRange, IdRange, IdValue, KeysetKey, KeysetRange } from './sources/ranges.js';

export type { BackfillForecast, ForecastOutcome, ForecastRange } from './state/backfill-forecast.js';
export type { BackfillRehearsalOptions } from './config/rehearsal-options.js';
export type {
  Rehearsal,
  RehearsalError,
  RehearsedRow,
  RehearsedStatements,
  RehearsedTable,
  RehearseOptions,
} from './rehearsal/rehearsal.js';
export type {
  BackfillPreview,
  DatabasePreview,
  PreviewOptions,
  PreviewRange,
} from './planning/backfill-preview.js';

export type { OverrideOptions, OverrideReceipt } from './state/override.store.js';
export { LIMITING_KINDS } from './state/limiting-factor.js';
export type { ExpectedLateness, LateStatus, LimitingFactor, LimitingKind } from './state/limiting-factor.js';
export type { ThrottleOverride } from './state/throttle-override.js';
export type { GlobalHold, HoldOptions, HoldReceipt } from './state/global-hold.js';
export { BACKFILL_EVENT_TYPES } from './state/backfill-event.js';
export type {
  BackfillEvent,
  BackfillEventCause,
  BackfillEventData,
  BackfillEventFields,
  BackfillEventType,
} from './state/backfill-event.js';
export type { FailureGroup, FailureGroups } from './state/failure-group.js';
export type { BackfillFailure, FailurePage, FailurePageRequest } from './state/backfill-failure.js';
export type { BackfillChange, BackfillRun } from './state/backfill-run.js';
export type { LastError, StoredError } from './state/stored-error.js';
export type { BudgetRun } from './supervision/budget-runs.js';
export type { BudgetStatus, DatabaseBudget } from './supervision/budget.changer.js';
export type { BudgetLimitStatus } from './status/budget-limit.js';
export type { BackfillOverview, BackfillOverviewEntry } from './status/backfill-overview.js';
export type {
  BackfillStatus,
  ConcurrencyStatus,
  HoldStatus,
  PartitionStatus,
  RateStatus,
} from './status/backfill-status.js';
export { BACKFILL_ENTITIES } from './ledger/ledger.entities.js';
export { createLedgerSchema, dropLedgerSchema } from './ledger/ledger-schema.js';
export { BACKFILL_JOURNAL_ENTITIES } from './journal/journal.entities.js';
export type { UndoConflict, UndoConflictPage, UndoConflictRequest } from './journal/undo-conflicts.js';
export { createJournalSchema, dropJournalSchema } from './journal/journal-schema.js';
export type { BackfillUndoOptions } from './handlers/undo-options.js';
export type { LedgerSchemaTarget } from './database/schema-target.js';

export type { BackfillHistoryType, HistoryRequest } from './state/history-request.js';
export type { BackfillHistoryEntry } from './state/history.store.js';
export type { VerificationResult } from './state/verification.js';
export type { CanaryState, CanaryStatus, CanaryVerdict, CanaryVerification } from './state/canary.js';
export type { CanaryOptions } from './config/canary-options.js';
export type { BackfillVerifyOptions, VerifyOptions } from './config/verify-options.js';
export type { VerifyAnswer, VerifyContext } from './config/verify-row.js';
export type { RowVerifier } from './handlers/row-verifier.js';
export type { SampleConfidence } from './state/sample-confidence.js';
export type { BlockingSession, StallCause, StallStatus } from './state/stall.js';
export type { RunStatus } from './state/run-status.js';
export type { BackfillSample, SampleRange, SamplesRequest } from './state/sample.store.js';

export { BackfillError } from './errors/backfill-error.js';
export { BackfillConfigError } from './errors/backfill-config.error.js';
export { BackfillConflictError } from './errors/backfill-conflict.error.js';
export { BackfillDefinitionError } from './errors/backfill-definition.error.js';
export { BackfillNotFoundError } from './errors/backfill-not-found.error.js';
export { BackfillParamsError } from './errors/backfill-params.error.js';
export type { ParamsIssue } from './errors/backfill-params.error.js';
export { BackfillRequestError } from './errors/backfill-request.error.js';
export { BackfillUnavailableError } from './errors/backfill-unavailable.error.js';
export { BackfillSourceError } from './errors/backfill-source.error.js';
export type { BackfillSourceErrorCode, BackfillSourceProblem } from './errors/backfill-source.error.js';
export { BackfillStateError } from './errors/backfill-state.error.js';
export { NonRetryableError, RateLimitedError, RowTimeoutError } from './errors/handler.errors.js';
export type { RateLimitedErrorOptions } from './errors/handler.errors.js';
export type { LimitedResponse } from './errors/handler.errors.js';
export type { ResponseHeaders } from './errors/retry-after-header.js';
