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
  /** Aborted on pause, cancel and shutdown: stop soon, and throw; the range is given back. */
  readonly signal: AbortSignal;
  /** A fork of its own, cleared after the batch. */
  readonly em: EntityManager;
  /** Writes lines that name the backfill, the run and the range. */
  readonly logger: LoggerService;
  /** True in a rehearsal: the transaction is rolled back, and outside systems must be left alone. */
  readonly dryRun: boolean;
}
