import type { EntityManager } from '@mikro-orm/core';
import type { BackfillConfigPatch } from '../config/backfill-config.js';
import type { BackfillFailure } from '../state/backfill-status.js';

/**
 * What a harness needs.
 *
 * @publicApi
 */
export interface HarnessOptions {
  /** Of a real database or one in memory; each range gets a fork. */
  readonly em: EntityManager;
  /** On top of the config of `@Backfill`. `attempts` counts; rates and backoff do not: nothing waits. */
  readonly config?: BackfillConfigPatch;
}

/**
 * Which rows, and how.
 *
 * @publicApi
 */
export interface HarnessRunOptions {
  /** First row, inclusive, in the order of the walk. Default: where the table begins. */
  readonly from?: unknown;
  /** Last row, inclusive. Default: where the table ends. */
  readonly to?: unknown;
  /** Rolls everything back, as a dry run does. Default false. */
  readonly dryRun?: boolean;
}

/**
 * What became of a run.
 *
 * @publicApi
 */
export interface HarnessResult {
  /** `crashed`: it was killed on purpose. */
  readonly state: 'completed' | 'failed' | 'crashed';
  /** Pieces of work that were handed to the handler, repeated and halved ones included. */
  readonly handled: number;
  /** Rows done, where the source knows them. */
  readonly rowsDone: number;
  readonly failures: readonly BackfillFailure[];
  /** How many moments there were at which a kill leaves a trace. */
  readonly checkpoints: number;
}
