import type { EntityManager } from '@mikro-orm/core';

/**
 * What a check of a row answers: `true` where the row is as it should be; a text that says why it is not, or `false`.
 *
 * @publicApi
 */
export type VerifyAnswer = boolean | string;

/**
 * The second argument of `verify.row` and `verifyRow`.
 *
 * @publicApi
 */
export interface VerifyContext {
  /** Id of the run. */
  readonly runId: string;
  /** Name of the backfill. */
  readonly backfill: string;
  /** The fork of the app's entity manager that loaded the row. It is cleared afterwards, and never flushed. */
  readonly em: EntityManager;
  /** Aborted when the process shuts down. */
  readonly signal: AbortSignal;
}
