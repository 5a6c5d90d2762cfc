import { BackfillError, ERROR_KIND } from './backfill-error.js';

/**
 * The database has not answered since the app was started, and the checks of the backfill that need it are still to be
 * made. Nothing was changed; they are made as soon as it answers.
 *
 * Thrown by the methods of `BackfillService` that use the source of the backfill: `start`, `resume`, `preview` and
 * `retryFailures`. The admin endpoints answer it with 503.
 *
 * @publicApi
 */
export class BackfillUnavailableError extends BackfillError {
  /** @internal */
  static override readonly [ERROR_KIND] = 'unavailable';

  readonly code = 'BACKFILL_DATABASE_UNAVAILABLE';
}
