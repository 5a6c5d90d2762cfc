import type { EntityManager } from '@mikro-orm/core';
import type { LoggerService } from '@nestjs/common';

/**
 * What a handler is told of the work at hand.
 *
 * @publicApi
 */
export interface BackfillContext {
  /** Id of the run. */
  readonly runId: string;
  /** Name of the backfill. */
  readonly backfill: string;
  /** 1 at the first try of this range or row, 2 at the second, and so on. */
  readonly attempt: number;
  /**
   * Aborted on pause, cancel and shutdown: stop soon, and throw; the range is given back. That of a row is
   * aborted too when it has taken `rowTimeoutMs`.
   */
  readonly signal: AbortSignal;
  /** A fork of its own, cleared after the batch. */
  readonly em: EntityManager;
  /** Writes lines that name the backfill, the run and the range. */
  readonly logger: LoggerService;
  /** True in a rehearsal: the transaction is rolled back, and outside systems must be left alone. */
  readonly dryRun: boolean;
  /**
   * Waits until the config's `quota` has so many calls left, in all processes together, and while the third
   * party asks to wait. A row handler has one call when it is given its row: the first one asked for is that
   * one. Resolves at once where no quota is set.
   *
   * @param calls a whole number from 1 on. Default 1.
   * @throws the reason of `signal` once that is aborted
   */
  quota(calls?: number): Promise<void>;
}
