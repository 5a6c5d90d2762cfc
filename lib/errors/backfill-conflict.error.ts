import { BackfillError, ERROR_KIND } from './backfill-error.js';

/**
 * The action is not possible in the current state of the backfill; the message names both. Nothing was changed.
 *
 * Thrown by `BackfillService`: by `start` while a run is active, by `pause`, `resume`, `cancel` and `retryFailures`
 * where the status of the run does not allow it, and by `configure` where `version` is not the version in force.
 * `ensureCompleted` of `nestjs-backfill/migrations` throws it for a backfill that has not completed. The admin
 * endpoints answer 409, and 412 for a stale version.
 *
 * @publicApi
 */
export class BackfillConflictError extends BackfillError {
  /** @internal */
  static override readonly [ERROR_KIND] = 'conflict';

  readonly code = 'BACKFILL_CONFLICT';
}
