import { BackfillError } from '../errors/backfill-error.js';

/** Wrong usage of the command line; the message names the correct usage. */
export class CliUsageError extends BackfillError {
  readonly code = 'BACKFILL_CLI_USAGE';
}
