import { BackfillError } from '../errors/backfill-error.js';

/** A schematic cannot make its change; the message names the cause and the manual fix. */
export class SchematicError extends BackfillError {
  readonly code = 'BACKFILL_SCHEMATIC';
}
