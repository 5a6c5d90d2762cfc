import { BackfillError } from '../errors/backfill-error.js';

/** Planning a single range exceeds the statement timeout of the database. It pauses the run and is its last error. */
export class PlanningTimeoutError extends BackfillError {
  readonly code = 'BACKFILL_PLANNING_TIMEOUT';

  constructor(backfill: string, cause: unknown) {
    super(
      `Planning the next range of backfill "${backfill}" exceeds the statement timeout of the database. ` +
        'Create an index on the columns that the source is ordered by, lower batchSize, or raise the timeout.',
      { cause },
    );
  }
}
