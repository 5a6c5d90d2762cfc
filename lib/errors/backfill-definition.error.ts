import { BackfillError } from './backfill-error.js';

/**
 * The app cannot start: a handler, an option or an import is wrong. The message says what to change.
 *
 * @publicApi
 */
export class BackfillDefinitionError extends BackfillError {
  readonly code = 'BACKFILL_DEFINITION_INVALID';
}
