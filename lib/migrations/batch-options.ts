import type { EntityManager } from '@mikro-orm/core';

/**
 * What `batchExecute` runs its statements on: an entity manager, or a MikroORM migration (`this` in `up` and
 * `down`).
 *
 * @publicApi
 */
export type BatchTarget = EntityManager | MigrationLike;

/**
 * The part of a MikroORM migration that `batchExecute` uses.
 *
 * @publicApi
 */
export interface MigrationLike {
  getEntityManager(): EntityManager;
  /** Must return `false`, because each step commits its own transaction. */
  isTransactional(): boolean;
}

/**
 * A half-open interval of keys: `min <= key < max`.
 *
 * @publicApi
 */
export interface KeyBounds {
  /** First key, inclusive. */
  readonly min: bigint;
  /** Last key, exclusive. */
  readonly max: bigint;
}

/**
 * Progress of `batchExecute` after a step. `min` and `max` are the bounds of that step.
 *
 * @publicApi
 */
export interface BatchProgress extends KeyBounds {
  /** Steps so far. */
  readonly steps: number;
  /** Affected rows so far, as the driver reports them. */
  readonly rows: number;
  /** 0 to 100 with one decimal, by the position of the key between the lowest and the highest. */
  readonly percent: number;
}

/**
 * Result of `batchExecute`: the number of steps, and of affected rows as the driver reports them.
 *
 * @publicApi
 */
export type BatchResult = Pick<BatchProgress, 'steps' | 'rows'>;

/**
 * Options of `batchExecute`.
 *
 * @publicApi
 */
export interface BatchExecuteOptions {
  /** Name of the table, without schema and unquoted. */
  readonly table: string;
  /** Schema of the table, unquoted. Default: resolved by the connection, as by `search_path`. */
  readonly schema?: string;
  /** Indexed integer column, unquoted. Default `id`. */
  readonly key?: string;
  /** Width of a step in keys, from 1 on. Gaps between keys are skipped without a step. */
  readonly stepSize: number;
  /**
   * Returns the statement of a step. It must limit itself to `min <= key` and `key < max`; and it should skip
   * rows that are done, so that it can be repeated after an error.
   */
  readonly sql: (bounds: KeyBounds) => string;
  /** Milliseconds to wait between steps, for replication and vacuum to catch up. Default 0. */
  readonly pauseMs?: number;
  /** Called after each step. Default: none. */
  readonly onProgress?: (progress: BatchProgress) => void;
}
