import { BackfillError, ERROR_KIND } from './backfill-error.js';

/**
 * The cause of a `BackfillSourceError`.
 *
 * - `BACKFILL_SOURCE_INVALID`: the entity, the key, the order or the partitions of the source are invalid.
 * - `BACKFILL_SOURCE_BOUNDS`: `from` or `to` is invalid, or `from` is after `to`.
 * - `BACKFILL_SOURCE_KEY`: with a key in the table, or with an order that changed during a run, the source would
 *   skip rows.
 * - `BACKFILL_SOURCE_ANSWER`: a method of the app's own source answered something that `BackfillSource` does not allow,
 *   such as `NaN` rows.
 * - `BACKFILL_SOURCE_CHANGED`: a file or array is not there, or is not what it was when the run was started. The run is
 *   paused.
 * - `BACKFILL_SOURCE_ROW`: a record of a file is malformed, or cannot be parsed. It fails without a further attempt, and no
 *   other row with it.
 *
 * @publicApi
 */
export type BackfillSourceErrorCode =
  | 'BACKFILL_SOURCE_INVALID'
  | 'BACKFILL_SOURCE_BOUNDS'
  | 'BACKFILL_SOURCE_KEY'
  | 'BACKFILL_SOURCE_ANSWER'
  | 'BACKFILL_SOURCE_CHANGED'
  | 'BACKFILL_SOURCE_ROW';

/**
 * The parts of a `BackfillSourceError`'s message, for programs.
 *
 * @publicApi
 */
export interface BackfillSourceProblem {
  /** Default: `BACKFILL_SOURCE_INVALID`. */
  readonly code?: BackfillSourceErrorCode;
  /** Name of the backfill. */
  readonly backfill: string;
  /** Name of the entity whose table the source reads, or the file or array. */
  readonly entity: string;
  /** The invalid option, property or place, such as `key`, `orderBy.createdAt` or `line 42`. */
  readonly field: string;
  /** What was expected, as a phrase. */
  readonly expected: string;
  /** What was received, as a phrase. */
  readonly received: string;
  /** What to do about it, in whole sentences. */
  readonly remedy: string;
}

/**
 * A source cannot read its table as configured. The message names the backfill, the entity, the field, what was
 * expected, what was received and what to do.
 *
 * Thrown while the app is created or a run starts (`BACKFILL_SOURCE_INVALID`), by `start` and `preview` of
 * `BackfillService` (`BACKFILL_SOURCE_BOUNDS`), and while ranges are planned (`BACKFILL_SOURCE_KEY`), where it pauses the
 * run, or loaded (`BACKFILL_SOURCE_CHANGED`, `BACKFILL_SOURCE_ROW`). The admin endpoints answer 400 for bounds, else 500.
 *
 * @publicApi
 */
export class BackfillSourceError extends BackfillError {
  /** @internal */
  static override readonly [ERROR_KIND] = 'source';

  readonly code: BackfillSourceErrorCode;
  readonly problem: BackfillSourceProblem;

  constructor(problem: BackfillSourceProblem, options?: ErrorOptions) {
    const { backfill, entity, field, expected, received, remedy } = problem;
    super(
      `The source of backfill "${backfill}" cannot read ${entity} (${field}): ` +
        `expected ${expected}, got ${received}. ${remedy}`,
      options,
    );
    this.code = problem.code ?? 'BACKFILL_SOURCE_INVALID';
    this.problem = problem;
  }
}
