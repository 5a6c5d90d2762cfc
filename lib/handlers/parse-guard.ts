import { BackfillDefinitionError } from '../errors/backfill-definition.error.js';
import { describeValue } from '../errors/describe-value.js';
import type { BackfillGuard } from './backfill-guard.js';

/**
 * Validates the guard of a backfill, which has a default.
 *
 * @throws BackfillDefinitionError
 */
export function parseGuard(guard: unknown, backfill: string): BackfillGuard {
  if (guard === undefined) {
    return 'recheck';
  }
  if (guard === 'recheck' || guard === 'lock' || guard === 'none' || isColumns(guard)) {
    return guard;
  }
  throw new BackfillDefinitionError(
    `The guard of backfill "${backfill}" must be 'recheck', 'lock', 'none' or { columns: [...] } with at least one property, ` +
      `got ${describeValue(guard)}. Write @Backfill({ guard: 'recheck' }).`,
  );
}

function isColumns(guard: unknown): guard is { readonly columns: readonly string[] } {
  const columns: unknown = typeof guard === 'object' && guard !== null ? Reflect.get(guard, 'columns') : null;
  return (
    Array.isArray(columns) && columns.length > 0 && columns.every((column) => typeof column === 'string')
  );
}
