import { BackfillError } from './backfill-error.js';

/**
 * What kind of mistake a `BackfillSourceError` tells of.
 *
 * - `BACKFILL_SOURCE_INVALID`: entity, key, order or partitions of the source cannot work.
 * - `BACKFILL_SOURCE_BOUNDS`: `from` or `to` of a start cannot be read, or name an empty stretch.
 * - `BACKFILL_SOURCE_KEY`: a stored key or a value in the table cannot be handled without losing rows.
 *
 * @publicApi
 */
export type BackfillSourceErrorCode =
  'BACKFILL_SOURCE_INVALID' | 'BACKFILL_SOURCE_BOUNDS' | 'BACKFILL_SOURCE_KEY';

/**
 * Everything a `BackfillSourceError` says, so that programs need not read its message.
 *
 * @publicApi
 */
export interface BackfillSourceProblem {
  /** Default: `BACKFILL_SOURCE_INVALID`. */
  readonly code?: BackfillSourceErrorCode;
  /** Name of the backfill. */
  readonly backfill: string;
  /** Name of the entity that is walked. */
  readonly entity: string;
  /** The option or property that is wrong, such as `key` or `orderBy.createdAt`. */
  readonly field: string;
  /** What belongs there, in words. */
  readonly expected: string;
  /** What stood there, in words. */
  readonly received: string;
  /** What to do about it: a whole sentence. */
  readonly remedy: string;
}

/**
 * A source cannot walk its table: the message names the backfill, the entity, the field, what was
 * expected, what was got and what to do.
 *
 * @publicApi
 */
export class BackfillSourceError extends BackfillError {
  readonly code: BackfillSourceErrorCode;
  readonly problem: BackfillSourceProblem;

  constructor(problem: BackfillSourceProblem, options?: ErrorOptions) {
    const { backfill, entity, field, expected, received, remedy } = problem;
    super(
      `The source of backfill "${backfill}" cannot walk ${entity} (${field}): ` +
        `expected ${expected}, got ${received}. ${remedy}`,
      options,
    );
    this.code = problem.code ?? 'BACKFILL_SOURCE_INVALID';
    this.problem = problem;
  }
}
