import { parseRehearsalMask } from '../config/rehearsal-options.js';
import { BackfillDefinitionError } from '../errors/backfill-definition.error.js';
import { describeValue } from '../errors/describe-value.js';

/**
 * The columns that a rehearsal masks, by the option `rehearsal` of `@Backfill`.
 *
 * @throws BackfillDefinitionError where the option is not valid
 */
export function declareMask(rehearsal: unknown, name: string): readonly string[] {
  const mask = parseRehearsalMask(rehearsal);
  if (mask === null) {
    throw new BackfillDefinitionError(
      `The option rehearsal of backfill "${name}" must be an object such as { mask: ['email'] }, got ` +
        `${describeValue(rehearsal)}. Name the columns whose values a rehearsal must not show.`,
    );
  }
  return mask;
}
