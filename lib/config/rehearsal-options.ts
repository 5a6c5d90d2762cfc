import { z } from 'zod';
import { PARSE_ONCE } from './parse-once.js';

/**
 * How the rehearsals of a backfill show its rows: the option `rehearsal` of `@Backfill`.
 *
 * @publicApi
 */
export interface BackfillRehearsalOptions {
  /**
   * Columns whose values are never shown, only whether they changed: names of the table's columns or of the entity's
   * properties, in any case. They are added to those whose name looks secret. Default: none.
   */
  readonly mask?: readonly string[];
}

const schema = z.lazy(() => z.strictObject({ mask: z.array(z.string().min(1)).optional() }));

/** The columns to mask by the option `rehearsal` of `@Backfill`; `null` where the option is not valid. */
export function parseRehearsalMask(rehearsal: unknown): readonly string[] | null {
  if (rehearsal === undefined) {
    return [];
  }
  const parsed = schema.safeParse(rehearsal, PARSE_ONCE);
  return parsed.success ? (parsed.data.mask ?? []) : null;
}
