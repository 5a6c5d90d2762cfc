import { BackfillDefinitionError } from '../errors/backfill-definition.error.js';
import { describeValue } from '../errors/describe-value.js';

const MIN = 0.01;
const MAX = 1000;

/** The weight of a backfill; throws `BackfillDefinitionError` where it is none. */
export function parseWeight(weight: unknown, name: string): number {
  if (weight === undefined) {
    return 1;
  }
  if (typeof weight !== 'number' || !(weight >= MIN && weight <= MAX)) {
    throw new BackfillDefinitionError(
      `The option weight of backfill "${name}" must be a number from ${MIN} to 1,000, got ` +
        `${describeValue(weight)}. Write @Backfill({ weight: 2 }).`,
    );
  }
  return weight;
}
