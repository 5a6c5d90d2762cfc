import { BackfillError } from './backfill-error.js';

/**
 * No backfill, run or failure of that name.
 *
 * @publicApi
 */
export class BackfillNotFoundError extends BackfillError {
  readonly code = 'BACKFILL_NOT_FOUND';
}
