import type { Logger } from '@nestjs/common';
import type { RegisteredBackfill } from '../handlers/registered-backfill.js';
import type { RangeQueues } from '../queues/range.queues.js';
import type { RedisClient } from '../redis/lua-script.js';
import type { BatchTuner } from '../planning/batch.tuner.js';
import type { SharedQuota } from '../pacing/shared.quota.js';
import type { RangeStore } from '../state/range.store.js';
import type { Decision } from './decide-settlement.js';
import type { RangeExecutor } from './range.executor.js';
import type { RangeSplitter } from './range.splitter.js';

/** What a worker tells of. */
export interface RunWorkerEvents {
  /** So little is outstanding that the next cycle should come at once. */
  readonly low: () => void;
  /** An error asks for more than this range: a hold, or a pause. */
  readonly escalate: (trouble: Pick<Decision, 'verdict' | 'error'>) => Promise<void>;
  /** Failures were quarantined: are there too many? */
  readonly quarantined: () => Promise<void>;
  readonly error: (error: Error) => void;
}

/** What a worker works with. */
export interface RunWorkerParts {
  readonly client: RedisClient;
  readonly queues: RangeQueues;
  readonly rangeStore: RangeStore;
  readonly executor: RangeExecutor;
  readonly splitter: RangeSplitter;
  readonly quota: SharedQuota;
  readonly tuner: BatchTuner;
  readonly logger: Logger;
  readonly prefix: string;
  readonly lockDuration: number;
  readonly shutdownTimeout: number;
}

/** The run a worker serves. */
export interface ServedRun {
  readonly backfill: RegisteredBackfill;
  readonly runId: string;
  readonly dryRun: boolean;
}
