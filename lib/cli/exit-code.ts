import { BackfillError } from '../errors/backfill-error.js';

/**
 * Exit codes of the command line. They are stable across releases.
 *
 * @publicApi
 */
export const EXIT_CODES = {
  /** Success. */
  ok: 0,
  /**
   * Unexpected error: Redis or the database does not respond, or the app does not boot. Also of `retry --id` with an id of
   * no failure; the others are requeued.
   */
  failure: 1,
  /** Usage error: unknown command or option, or an invalid value. Nothing was changed. */
  usage: 2,
  /** The backfill or the run does not exist. */
  notFound: 3,
  /** Not allowed in the current state of the run, or a concurrent change came first. */
  conflict: 4,
  /** With `--watch`: the run failed, was cancelled or paused, but for a canary that has passed. */
  runFailed: 5,
  /** `doctor` found a problem. */
  unhealthy: 6,
  /** `--watch` was stopped with Ctrl-C; the run continues. */
  detached: 130,
} as const;

/**
 * One of the values of {@link EXIT_CODES}.
 *
 * @publicApi
 */
export type ExitCode = (typeof EXIT_CODES)[keyof typeof EXIT_CODES];

const EXIT_CODE_BY_ERROR_CODE: Readonly<Record<string, ExitCode>> = {
  BACKFILL_CLI_USAGE: EXIT_CODES.usage,
  BACKFILL_CONFIG_INVALID: EXIT_CODES.usage,
  BACKFILL_REQUEST_INVALID: EXIT_CODES.usage,
  BACKFILL_SOURCE_BOUNDS: EXIT_CODES.usage,
  BACKFILL_NOT_FOUND: EXIT_CODES.notFound,
  BACKFILL_CONFLICT: EXIT_CODES.conflict,
};

/** Maps an error to an exit code by its `code`; other errors are a `failure`. */
export function exitCodeOf(error: unknown): ExitCode {
  return (
    (error instanceof BackfillError ? EXIT_CODE_BY_ERROR_CODE[error.code] : undefined) ?? EXIT_CODES.failure
  );
}
