import { BackfillError } from '../errors/backfill-error.js';
import { EXIT_CODES } from './exit-code.js';
import type { ExitCode } from './exit-code.js';

const BY_CODE: Readonly<Record<string, ExitCode>> = {
  BACKFILL_CLI_USAGE: EXIT_CODES.usage,
  BACKFILL_CONFIG_INVALID: EXIT_CODES.usage,
  BACKFILL_REQUEST_INVALID: EXIT_CODES.usage,
  BACKFILL_SOURCE_BOUNDS: EXIT_CODES.usage,
  BACKFILL_NOT_FOUND: EXIT_CODES.notFound,
  BACKFILL_CONFLICT: EXIT_CODES.conflict,
};

/** The exit code of an error, by its stable code. */
export function exitCodeOf(error: unknown): ExitCode {
  return (error instanceof BackfillError ? BY_CODE[error.code] : undefined) ?? EXIT_CODES.failure;
}
