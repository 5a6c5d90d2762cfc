import { BackfillError } from './backfill-error.js';

/**
 * There is no backfill with this name, for which the message lists the registered names, or no run of it with this id.
 *
 * Thrown by the methods of `BackfillService` that take a name or the id of a run. The admin endpoints answer 404.
 *
 * @publicApi
 */
export class BackfillNotFoundError extends BackfillError {
  readonly code = 'BACKFILL_NOT_FOUND';
}
