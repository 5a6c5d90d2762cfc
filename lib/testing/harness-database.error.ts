import { BackfillError } from '../errors/backfill-error.js';

/** A harness has no database that it can use; the message says what to install, or what to give it. */
export class HarnessDatabaseError extends BackfillError {
  readonly code = 'BACKFILL_HARNESS_DATABASE';
}
