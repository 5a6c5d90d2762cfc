import { BackfillError } from '../errors/backfill-error.js';

/**
 * Not even one range can be planned within the database's statement timeout.
 *
 * @publicApi
 */
export class PlanningTimeoutError extends BackfillError {
  readonly code = 'BACKFILL_PLANNING_TIMEOUT';

  constructor(backfill: string, cause: unknown) {
    super(
      `The next range of backfill "${backfill}" cannot be planned within the database's statement timeout. ` +
        'Is there an index on the columns that the source walks? Make batchSize smaller, or the timeout longer.',
      { cause },
    );
  }
}
