import { BackfillError } from './backfill-error.js';

/**
 * An argument of a call is wrong; the message names it, what was expected and what was got.
 *
 * @publicApi
 */
export class BackfillRequestError extends BackfillError {
  readonly code = 'BACKFILL_REQUEST_INVALID';

  constructor(
    readonly backfill: string,
    /** Name of the argument. */
    readonly field: string,
    readonly expected: string,
    got: unknown,
    options?: ErrorOptions,
  ) {
    const shown = typeof got === 'bigint' ? `${got}n` : (JSON.stringify(got) ?? String(got));
    super(`Backfill "${backfill}": expected ${field} to be ${expected}, got ${shown}.`, options);
  }
}
