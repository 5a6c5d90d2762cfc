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
 * @typeParam TParams What the schema of `@Backfill` makes of the parameters.
 * @publicApi
 */
export interface VerifyContext<TParams = unknown> {
  /** Id of the run. */
  readonly runId: string;
  /** Name of the backfill. */
  readonly backfill: string;
  /** What the schema made of the parameters of the run; `undefined` where `@Backfill` has no option `params`. */
  readonly params: TParams;
  /** The fork of the app's entity manager that loaded the row. It is cleared afterwards, and never flushed. */
  readonly em: EntityManager;
  /** Aborted when the process shuts down. */
  readonly signal: AbortSignal;
}
