import { BackfillError, ERROR_KIND } from './backfill-error.js';

/**
 * A parameter that is not valid.
 *
 * @publicApi
 */
export interface ParamsIssue {
  /** Path of the parameter, such as `params.keyId`; `params` where the whole is not valid. */
  readonly field: string;
  /** The values that are valid, in words, as the schema says them. */
  readonly expected: string;
  /** The value that was given, as in an error message, shortened; `***` for a secret one. */
  readonly received: string;
}

/**
 * The parameters of a run are not valid. No run was started. The message lists each of them.
 *
 * Thrown by `start` and `preview` of `BackfillService`, and by `BackfillHarness`. The admin endpoints answer 400.
 *
 * @publicApi
 */
export class BackfillParamsError extends BackfillError {
  /** @internal */
  static override readonly [ERROR_KIND] = 'params';

  readonly code = 'BACKFILL_PARAMS_INVALID';

  constructor(
    /** Name of the backfill. */
    readonly backfill: string,
    /** Every parameter that is not valid. */
    readonly issues: readonly ParamsIssue[],
    options?: ErrorOptions,
  ) {
    super(
      [
        `The parameters of backfill "${backfill}" are not valid:`,
        ...issues.map((issue) => `  ${describeParamsIssue(issue)}`),
        'Nothing was started. Correct them and try again.',
      ].join('\n'),
      options,
    );
  }
}

/**
 * An issue on one line.
 *
 * @internal
 */
export function describeParamsIssue({ field, expected, received }: ParamsIssue): string {
  return `${field}: expected ${expected}, got ${received}`;
}
