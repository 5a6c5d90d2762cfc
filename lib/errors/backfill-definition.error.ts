import { BackfillError, ERROR_KIND } from './backfill-error.js';

/**
 * The definition of a handler, an option or an import of the app is not valid; the message says what to change.
 *
 * Thrown while the app is created, which then fails: by the checks of `@Backfill` and `@OnBackfill`, of the options of
 * `BackfillModule` and of the admin endpoints, of the Redis connection, and of the tables of the ledger.
 *
 * @publicApi
 */
export class BackfillDefinitionError extends BackfillError {
  /** @internal */
  static override readonly [ERROR_KIND] = 'definition';

  readonly code = 'BACKFILL_DEFINITION_INVALID';
}
