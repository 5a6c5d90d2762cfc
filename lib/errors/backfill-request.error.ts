import { BackfillError, ERROR_KIND } from './backfill-error.js';

/**
 * An argument of a method is not valid; the message names it, what was expected and what was received.
 *
 * Thrown by methods of `BackfillService`, such as `start`, `preview` and `failures`, and by `batchExecute` of
 * `nestjs-backfill/migrations`. The admin endpoints answer 400. Invalid config is reported by `BackfillConfigError`,
 * invalid bounds of a run by `BackfillSourceError`.
 *
 * @publicApi
 */
export class BackfillRequestError extends BackfillError {
  /** @internal */
  static override readonly [ERROR_KIND] = 'request';

  readonly code = 'BACKFILL_REQUEST_INVALID';

  constructor(
    /** Name of the backfill, or of the function where there is none. */
    readonly backfill: string,
    /** Name of the argument. */
    readonly field: string,
    /** The values that are valid, in words. */
    readonly expected: string,
    got: unknown,
    options?: ErrorOptions,
  ) {
    const received = typeof got === 'bigint' ? `${got}n` : (JSON.stringify(got) ?? String(got));
    const subject = backfill === '*' ? 'All backfills' : `Backfill "${backfill}"`;
    super(`${subject}: expected ${field} to be ${expected}, got ${received}.`, options);
  }
}
