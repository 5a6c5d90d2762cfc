import { z } from 'zod';
import { PARSE_ONCE } from '../config/parse-once.js';
import { BackfillDefinitionError } from '../errors/backfill-definition.error.js';
import { describeValue } from '../errors/describe-value.js';
import type { UndoSettings } from './undo-options.js';

const DEFAULT_KEEP_DAYS = 14;

const EXPECTED: Readonly<Record<string, string>> = {
  '': 'an object with columns, keepDays or maxRows',
  columns: 'a list of at least one property',
  keepDays: 'a whole number from 1 to 3650',
  maxRows: 'a whole number from 1',
};

const undoSchema = z.lazy(() =>
  z.strictObject({
    columns: z.array(z.string()).min(1).optional(),
    keepDays: z.number().int().min(1).max(3650).optional(),
    maxRows: z.number().int().min(1).optional(),
  }),
);

/**
 * Validates the option `undo` of a backfill; `null` where it has none.
 *
 * @throws BackfillDefinitionError
 */
export function parseUndo(undo: unknown, backfill: string): UndoSettings | null {
  if (undo === undefined) {
    return null;
  }
  const parsed = undoSchema.safeParse(undo, PARSE_ONCE);
  if (!parsed.success) {
    const field = String(parsed.error.issues[0]?.path[0] ?? '');
    const value: unknown = field === '' ? undo : Reflect.get(Object(undo), field);
    throw new BackfillDefinitionError(
      `The option undo${field === '' ? '' : `.${field}`} of backfill "${backfill}" must be ${EXPECTED[field]}, got ` +
        `${describeValue(value)}. Write @Backfill({ undo: { keepDays: 14 } }).`,
    );
  }
  const { columns = null, keepDays = DEFAULT_KEEP_DAYS, maxRows = null } = parsed.data;
  return { columns, keepDays, maxRows };
}
