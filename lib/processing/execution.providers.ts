import { Logger } from '@nestjs/common';
import type { Provider } from '@nestjs/common';
import { ConfigStore } from '../config/config.store.js';
import { BackfillRegistry } from '../handlers/backfill.registry.js';
import { EntityManagers } from '../database/entity-managers.js';
import { RangeExecutor } from './range.executor.js';
import { RangeSplitter } from './range.splitter.js';
import { WorkerPool } from './worker.pool.js';
import { made } from '../made-provider.js';
import { RESOLVED_OPTIONS } from '../config/module-options.js';
import type { ResolvedModuleOptions } from '../config/module-options.js';
import { RangeQueues } from '../queues/range.queues.js';
import { RedisConnections } from '../redis/redis-connections.js';
import { CycleQueue } from '../queues/cycle.queue.js';
import { RunBreaker } from '../supervision/run.breaker.js';
import { BatchTuner } from '../planning/batch.tuner.js';
import { SharedQuota } from '../pacing/shared.quota.js';
import { ThrottleEvaluator } from '../pacing/throttle.evaluator.js';
import { BackfillKeys } from '../redis/backfill-keys.js';
import { RangeStore } from '../state/range.store.js';
import { RunStore } from '../state/run.store.js';
import { WorkerHeartbeats } from '../state/worker.heartbeats.js';

const logger = () => new Logger('Backfill');

/** What works ranges off. */
export const EXECUTION_PROVIDERS: Provider[] = [
  made(RangeExecutor, [EntityManagers], (...parts) => new RangeExecutor(...parts)),
  made(RangeSplitter, [EntityManagers], (...parts) => new RangeSplitter(...parts)),
  made(
    WorkerPool,
    [
      RESOLVED_OPTIONS,
      RedisConnections,
      BackfillKeys,
      BackfillRegistry,
      RunStore,
      ConfigStore,
      WorkerHeartbeats,
      CycleQueue,
      RunBreaker,
      RangeQueues,
      RangeStore,
      RangeExecutor,
      RangeSplitter,
      SharedQuota,
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
      heartbeats,
      cycles,
      breaker,
      queues,
      rangeStore,
      executor,
      splitter,
      quota,
      throttles,
      tuner,
    ) =>
      new WorkerPool(servedBy(options), registry, runs, configs, heartbeats, cycles, breaker, throttles, {
        client,
        queues,
        rangeStore,
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

function servedBy({ workers }: ResolvedModuleOptions): (backfill: string) => boolean {
  return (backfill) => (typeof workers === 'boolean' ? workers : workers.includes(backfill));
}
