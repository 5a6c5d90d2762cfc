import type { EntityManager, EntityName } from '@mikro-orm/core';
import type { LoggerService } from '@nestjs/common';

/**
 * The second argument of a handler: the run and the range or row that it is called for.
 *
 * @typeParam TParams What the schema of `@Backfill` makes of the parameters, such as `z.infer<typeof schema>`.
 * @publicApi
 */
export interface BackfillContext<TParams = unknown> {
  /** Id of the run. */
  readonly runId: string;
  /** Name of the backfill. */
  readonly backfill: string;
  /** What the schema made of the parameters of the run, frozen; `undefined` where `@Backfill` has no option `params`. */
  readonly params: TParams;
  /** Number of the attempt at this range or row, from 1. */
  readonly attempt: number;
  /**
   * Aborted on pause, cancel and shutdown, and for a row handler after `rowTimeoutMs`. The handler should then stop and
   * throw, as `signal.throwIfAborted()` does. On pause, cancel and shutdown that does not count as an attempt: the
   * range is processed again after the run resumes.
   */
  readonly signal: AbortSignal;
  /**
   * A fork of the app's entity manager for this range or row, cleared afterwards. The library flushes changed entities
   * for batch and row handlers; a range handler flushes them itself.
   */
  readonly em: EntityManager;
  /** Logs with the backfill, the run and the range in each line. */
  readonly logger: LoggerService;
  /** True in a dry run: the transaction is rolled back, so the handler must not change other systems. */
  readonly dryRun: boolean;
  /**
   * Journals what statements change, so that `undo` can take it back: calls `write` in a transaction, which is that of
   * the handler where it has begun one, and writes the values from before to the journal with it. Batch and row handlers
   * need it for statements only, and not for entities that they change. It journals rows that are updated or deleted, and none that
   * are inserted. Without `undo` of `@Backfill`, and in a dry run, it only calls `write`. A rehearsal journals, and rolls back.
   *
   * @param where a filter of MikroORM that selects every row that `write` changes, such as `range.where`
   * @param write is given the entity manager of the transaction
   * @param entity whose rows they are. Default: the entity of the source
   * @returns what `write` returns
   * @throws NonRetryableError where the source has no entity, and none is given
   */
  journal<T>(
    where: object,
    write: (em: EntityManager) => Promise<T> | T,
    entity?: EntityName<object>,
  ): Promise<T>;
  /**
   * Acquires calls to a third party from `quota` of the config. Resolves when all processes together have not used up
   * the quota, and not before a wait that a `RateLimitedError` asked for is over; at once without a quota. A row handler
   * is called with one acquired call: the first call of `quota()` for a row returns that one.
   *
   * @param calls a whole number from 1. Default 1
   * @throws the reason of `signal` when that is aborted
   */
  quota(calls?: number): Promise<void>;
  /**
   * Acquires calls from a limit that all backfills share: `callsPerSecond` of the budget of the module. Resolves when all runs
   * together have not used it up, by their weights; at once where the budget has no such name.
   *
   * @example
   * ```ts
   * await context.quota('directory');
   * const response = await fetch(url, { signal: context.signal });
   * RateLimitedError.throwIf(response, { quota: 'directory' });
   * ```
   *
   * @param name key of `callsPerSecond`
   * @param calls a whole number from 1. Default 1
   * @throws the reason of `signal` when that is aborted
   */
  quota(name: string, calls?: number): Promise<void>;
}
