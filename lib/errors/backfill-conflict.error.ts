import { BackfillError } from './backfill-error.js';

/**
 * What was asked does not fit the state of the backfill; the message names both.
 *
 * @publicApi
 */
export class BackfillConflictError extends BackfillError {
  readonly code = 'BACKFILL_CONFLICT';
}
