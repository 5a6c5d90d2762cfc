import { BackfillError } from './backfill-error.js';

/**
 * Something in Redis that this library wrote cannot be read any more, or is gone.
 *
 * @publicApi
 */
export class BackfillStateError extends BackfillError {
  readonly code = 'BACKFILL_STATE_INVALID';
}
