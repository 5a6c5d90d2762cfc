import { BackfillError, ERROR_KIND } from './backfill-error.js';

/**
 * There is no backfill with this name, for which the message lists the registered names, or no run of it with this id.
 *
 * Thrown by the methods of `BackfillService` that take a name or the id of a run. The admin endpoints answer 404.
 *
 * @publicApi
 */
export class BackfillNotFoundError extends BackfillError {
  /** @internal */
  static override readonly [ERROR_KIND] = 'not-found';

  readonly code = 'BACKFILL_NOT_FOUND';
}
