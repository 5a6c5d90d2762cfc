import { BackfillError } from '../errors/backfill-error.js';

/** A schematic cannot do what it was asked; the message says what to do by hand. */
export class SchematicError extends BackfillError {
  readonly code = 'BACKFILL_SCHEMATIC';
}
