import { Logger } from '@nestjs/common';
import type { Provider } from '@nestjs/common';
import { ConfigStore } from '../config/config.store.js';
import { BackfillRegistry } from '../handlers/backfill.registry.js';
import { EntityManagers } from '../database/entity-managers.js';
import { RangeExecutor } from './range.executor.js';
import { WorkSplitter } from './work.splitter.js';
import { WorkerPool } from './worker.pool.js';
import { made } from '../made-provider.js';
import { RESOLVED_OPTIONS } from '../config/module-options.js';
import type { ResolvedModuleOptions } from '../config/module-options.js';
import { BackfillQueues } from '../queues/backfill-queues.js';
import { RedisConnections } from '../redis/redis-connections.js';
import { CycleScheduler } from '../queues/cycle.scheduler.js';
import { RunGuard } from '../supervision/run.guard.js';
import { BatchTuner } from '../planning/batch.tuner.js';
import { QuotaBucket } from '../pacing/quota.bucket.js';
import { ThrottleEvaluator } from '../pacing/throttle.evaluator.js';
import { BackfillKeys } from '../redis/backfill-keys.js';
import { RangeTracker } from '../state/range.tracker.js';
import { RunStore } from '../state/run.store.js';
import { WorkerCensus } from '../state/worker.census.js';

const logger = () => new Logger('Backfill');

/** What works ranges off. */
export const EXECUTION_PROVIDERS: Provider[] = [
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

function servedBy({ workers }: ResolvedModuleOptions): (backfill: string) => boolean {
  return (backfill) => (typeof workers === 'boolean' ? workers : workers.includes(backfill));
}
