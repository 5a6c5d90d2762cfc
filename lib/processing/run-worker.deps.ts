import { Inject, Injectable } from '@nestjs/common';
import { RESOLVED_OPTIONS } from '../config/module-options.js';
import type { ResolvedModuleOptions } from '../config/module-options.js';
import { LibraryConnections } from '../database/library-connections.js';
import { Journals } from '../journal/journals.js';
import { BackfillLogger } from '../logging/backfill.logger.js';
import { ConcurrencyController } from '../pacing/concurrency/concurrency.controller.js';
import { BudgetTurns } from '../pacing/budget/budget-turns.js';
import { CurrentBudget } from '../pacing/budget/current.budget.js';
import { SharedCalls } from '../pacing/budget/shared.calls.js';
import { SharedQuota } from '../pacing/shared.quota.js';
import { BatchTuner } from '../planning/batch.tuner.js';
import { HeldBatches } from '../planning/held-batches.js';
import { RangeQueues } from '../queues/range.queues.js';
import { BackfillKeys } from '../redis/backfill-keys.js';
import { PROCESS_ID } from '../redis/process-id.js';
import { REDIS_CLIENT } from '../redis/redis-connections.js';
import type { RedisClient } from '../redis/redis-connections.js';
import { RangeStore } from '../state/range.store.js';
import { RowSampleStore } from '../state/row-sample.store.js';
import { RangeExecutor } from './range.executor.js';
import { RangeSplitter } from './range.splitter.js';

/** The providers that each `RunWorker` uses: the pool creates one for each run, outside of Nest's container. */
@Injectable()
export class RunWorkerDeps {
  readonly logger = new BackfillLogger();

  constructor(
    @Inject(REDIS_CLIENT) readonly client: RedisClient,
    @Inject(RESOLVED_OPTIONS) readonly options: ResolvedModuleOptions,
    readonly keys: BackfillKeys,
    readonly queues: RangeQueues,
    readonly rangeStore: RangeStore,
    readonly connections: LibraryConnections,
    readonly executor: RangeExecutor,
    readonly splitter: RangeSplitter,
    readonly quota: SharedQuota,
    readonly concurrency: ConcurrencyController,
    readonly tuner: BatchTuner,
    readonly heldBatches: HeldBatches,
    readonly journals: Journals,
    readonly rowSample: RowSampleStore,
    readonly budget: CurrentBudget,
    readonly turns: BudgetTurns,
    readonly calls: SharedCalls,
    @Inject(PROCESS_ID) readonly processId: string,
  ) {}
}
