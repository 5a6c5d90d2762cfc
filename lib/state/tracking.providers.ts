import { Logger } from '@nestjs/common';
import type { Provider } from '@nestjs/common';
import { ConfigStore } from '../config/config.store.js';
import { made } from '../made-provider.js';
import { RESOLVED_OPTIONS } from '../config/module-options.js';
import type { ResolvedModuleOptions } from '../config/module-options.js';
import { BackfillQueues } from '../queues/backfill-queues.js';
import { RedisConnections } from '../redis/redis-connections.js';
import { QuotaBucket } from '../pacing/quota.bucket.js';
import { BackfillKeys } from '../redis/backfill-keys.js';
import { EventLog } from './event.log.js';
import { FailureRetrier } from '../planning/failure.retrier.js';
import { FailureStore } from './failure.store.js';
import { HistoryLog } from './history.log.js';
import { PROCESS_ID } from '../redis/process-id.js';
import { LostRuns } from '../supervision/lost.runs.js';
import { RangeTracker } from './range.tracker.js';
import { RunStore } from './run.store.js';
import { SampleStore } from './sample.store.js';
import { StatusReader } from '../status/status.reader.js';
import { WorkerCensus } from './worker.census.js';

const logger = () => new Logger('Backfill');

/** What keeps runs, configs, counters and events, in Redis. */
export const TRACKING_PROVIDERS: Provider[] = [
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
