import { BackfillError, ERROR_KIND } from './backfill-error.js';

/**
 * The state of a run that this library keeps in Redis or in its ledger is missing or cannot be parsed: a key was
 * deleted or changed from outside, or Redis lost data.
 *
 * Thrown by the methods that read the state, such as `BackfillService.status` and `failures`.
 *
 * @publicApi
 */
export class BackfillStateError extends BackfillError {
  /** @internal */
  static override readonly [ERROR_KIND] = 'state';

  readonly code = 'BACKFILL_STATE_INVALID';
}
