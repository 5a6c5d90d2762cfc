import { BackfillError } from '../errors/backfill-error.js';

/** The command line was used in a way that cannot work; the message says how it can. */
export class CliUsageError extends BackfillError {
  readonly code = 'BACKFILL_CLI_USAGE';
}
