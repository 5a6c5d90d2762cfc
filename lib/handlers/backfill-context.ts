import type { EntityManager } from '@mikro-orm/core';
import type { LoggerService } from '@nestjs/common';

/**
 * The context of one call of a handler.
 *
 * @publicApi
 */
export interface BackfillContext {
  /** Id of the run. */
  readonly runId: string;
  /** Name of the backfill. */
  readonly backfill: string;
  /** Number of this attempt of the range or row, from 1. */
  readonly attempt: number;
  /**
   * Aborted on pause, cancel and shutdown: stop soon, and throw; the range is released and no attempt is used. The
   * signal of a row is also aborted after `rowTimeoutMs`.
   */
  readonly signal: AbortSignal;
  /** A fork for this call, cleared after it. */
  readonly em: EntityManager;
  /** Logs with the names of the backfill, the run and the range. */
  readonly logger: LoggerService;
  /** True in a dry run: the transaction is rolled back, and the handler must not change other systems. */
  readonly dryRun: boolean;
  /**
   * Waits for calls of the config's `quota`, which all processes share, and until a wait that the third party asked
   * for has passed. A row is handed to its handler with one call, which the first request uses. Resolves at once
   * without a quota.
   *
   * @param calls number of calls, a whole number of at least 1. Default 1.
   * @throws the reason of `signal` when it is aborted
   */
  quota(calls?: number): Promise<void>;
}
