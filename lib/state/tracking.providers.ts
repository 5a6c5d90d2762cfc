import { Logger } from '@nestjs/common';
import type { Provider } from '@nestjs/common';
import { ConfigStore } from '../config/config.store.js';
import { made } from '../made-provider.js';
import { RESOLVED_OPTIONS } from '../config/module-options.js';
import type { ResolvedModuleOptions } from '../config/module-options.js';
import { RangeQueues } from '../queues/range.queues.js';
import { RedisConnections } from '../redis/redis-connections.js';
import { SharedQuota } from '../pacing/shared.quota.js';
import { BackfillKeys } from '../redis/backfill-keys.js';
import { EventStream } from './event.stream.js';
import { FailureRetrier } from '../planning/failure.retrier.js';
import { FailureStore } from './failure.store.js';
import { HistoryStore } from './history.store.js';
import { PROCESS_ID } from '../redis/process-id.js';
import { LostRunDetector } from '../supervision/lost-run.detector.js';
import { RangeStore } from './range.store.js';
import { RunStore } from './run.store.js';
import { SampleStore } from './sample.store.js';
import { StatusReader } from '../status/status.reader.js';
import { WorkerHeartbeats } from './worker.heartbeats.js';

const logger = () => new Logger('Backfill');

/** What keeps runs, configs, counters and events, in Redis. */
export const TRACKING_PROVIDERS: Provider[] = [
  made(RunStore, [RedisConnections, BackfillKeys], ({ client }, keys) => new RunStore(client, keys)),
  made(RangeStore, [RedisConnections, BackfillKeys], ({ client }, keys) => new RangeStore(client, keys)),
  made(FailureStore, [RedisConnections, BackfillKeys], ({ client }, keys) => new FailureStore(client, keys)),
  made(SampleStore, [RedisConnections, BackfillKeys], ({ client }, keys) => new SampleStore(client, keys)),
  made(ConfigStore, [RedisConnections, BackfillKeys], ({ client }, keys) => new ConfigStore(client, keys)),
  made(HistoryStore, [RedisConnections, BackfillKeys], ({ client }, keys) => new HistoryStore(client, keys)),
  made(
    EventStream,
    [RedisConnections, BackfillKeys],
    ({ client, reader }, keys) => new EventStream(client, reader, keys, logger()),
  ),
  made(
    WorkerHeartbeats,
    [RedisConnections, BackfillKeys, PROCESS_ID],
    ({ client }, keys, processId: string) => new WorkerHeartbeats(client, keys, processId),
  ),
  made(
    LostRunDetector,
    [RedisConnections, BackfillKeys, RESOLVED_OPTIONS],
    ({ client }, keys, { ledger }: ResolvedModuleOptions) =>
      new LostRunDetector(client, keys, ledger, logger()),
  ),
  made(
    SharedQuota,
    [RedisConnections, BackfillKeys, SampleStore],
    ({ client }, keys, samples) => new SharedQuota(client, keys, samples),
  ),
  made(
    StatusReader,
    [RunStore, ConfigStore, SampleStore, WorkerHeartbeats, LostRunDetector, SharedQuota],
    (...parts) => new StatusReader(...parts),
  ),
  made(FailureRetrier, [FailureStore, RangeQueues], (...parts) => new FailureRetrier(...parts)),
];
