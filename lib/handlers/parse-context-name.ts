import { BackfillDefinitionError } from '../errors/backfill-definition.error.js';
import { describeValue } from '../errors/describe-value.js';

/** The context of the rows of a backfill; `undefined`: that of the module. Throws `BackfillDefinitionError` where it is none. */
export function parseContextName(contextName: unknown, name: string): string | undefined {
  if (contextName === undefined || (typeof contextName === 'string' && contextName !== '')) {
    return contextName;
  }
  throw new BackfillDefinitionError(
    `The option contextName of backfill "${name}" must be the contextName of a MikroOrmModule, got ` +
      `${describeValue(contextName)}. Write @Backfill({ contextName: 'orders' }).`,
  );
}
