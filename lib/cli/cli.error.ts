import { BackfillError } from '../errors/backfill-error.js';

/** Redis or the database does not answer, and the command was given up. */
export class CliOutageError extends BackfillError {
  readonly code = 'BACKFILL_CLI_OUTAGE';
}

/** Wrong usage of the command line; the message names the correct usage. */
export class CliUsageError extends BackfillError {
  readonly code = 'BACKFILL_CLI_USAGE';
}
