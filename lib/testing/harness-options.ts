import type { EntityData, EntityManager, Options } from '@mikro-orm/core';
import type { BackfillConfigPatch } from '../config/backfill-config.js';
import type { RehearseOptions } from '../rehearsal/rehearsal.js';
import type { BackfillFailure } from '../state/backfill-failure.js';

/**
 * Options of `BackfillHarness`.
 *
 * @publicApi
 */
export interface HarnessOptions {
  /**
   * Entity manager of any MikroORM driver. Each range gets a fork of its own. Default: one of an empty SQLite database in
   * memory, with the tables of the source's entities and of those that they refer to. For it `@mikro-orm/libsql` or
   * `@mikro-orm/sqlite` has to be installed.
   */
  readonly em?: EntityManager;
  /**
   * Options of MikroORM for the database in memory, on top of the entities of the source: more `entities`, a
   * `metadataProvider`, `filters`, or the `driver` for SQLite to use. Not together with `em`. Default: none.
   */
  readonly orm?: Partial<Options>;
  /** Parameters of the runs, as `start` takes them. Default: none. */
  readonly params?: unknown;
  /**
   * Config on top of that of `@Backfill`, as the `config` of the module. Rates, quotas and backoff have no
   * effect: the harness does not wait for them. Default: none.
   */
  readonly config?: BackfillConfigPatch;
}

/**
 * Rows for `BackfillHarness.seed`: what each is created with, or only how many.
 *
 * @publicApi
 */
export type SeedRows<Entity> = number | readonly EntityData<Entity>[];

/**
 * Options of one run of `BackfillHarness`.
 *
 * @publicApi
 */
export interface HarnessRunOptions {
  /**
   * First row, inclusive, in the order of the source: an id for `idRange`, key columns for `keyset`. Default:
   * the first row in that order.
   */
  readonly from?: unknown;
  /** Last row, inclusive, as `from`. Default: the last row in that order. */
  readonly to?: unknown;
  /** Rolls back every transaction, as a dry run of `start` does. Default `false`. */
  readonly dryRun?: boolean;
}

/**
 * Options of `BackfillHarness.rehearse`: those of `BackfillService.rehearse`, with the parameters of the harness.
 *
 * @publicApi
 */
export type HarnessRehearseOptions = Omit<RehearseOptions, 'params' | 'signal'>;

/**
 * Result of one run of `BackfillHarness`.
 *
 * @publicApi
 */
export interface HarnessResult {
  /** `completed` without failures, `failed` with some, `crashed` when `crashAfter` stopped the run. */
  readonly state: 'completed' | 'failed' | 'crashed';
  /** Ranges executed, retries and the parts of split ranges included. */
  readonly handled: number;
  /** Rows done in acknowledged ranges: as the handler reports them, else as the source planned them. */
  readonly rowsDone: number;
  /** Ranges and rows that failed after all attempts. */
  readonly failures: readonly BackfillFailure[];
  /** Checkpoints passed: the points at which `crashAfter` can stop the run. */
  readonly checkpoints: number;
}
