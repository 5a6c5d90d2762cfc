import { BackfillDefinitionError } from '../errors/backfill-definition.error.js';
import { describeValue } from '../errors/describe-value.js';
import { nearestKey } from './nearest-key.js';

/**
 * Throws `BackfillDefinitionError` where the option `workers` names backfills that this process does not have: nothing
 * would work on a backfill whose name is mistyped.
 *
 * @param known names of the backfills that this process has
 */
export function checkWorkerNames(workers: boolean | readonly string[], known: readonly string[]): void {
  const unknown = typeof workers === 'boolean' ? [] : workers.filter((name) => !known.includes(name));
  if (unknown.length === 0) {
    return;
  }
  const names = known.length > 0 ? ` (${known.toSorted().join(', ')})` : '; this process has none';
  const got = unknown.map((name) => `${describeValue(name)}${suggestion(name, known)}`).join(', ');
  throw new BackfillDefinitionError(
    `The option workers of BackfillModule must list names of backfills of this process${names}, got ${got}. Correct or ` +
      'remove the name, or add its handler to the providers of a module that the app imports. Processes with different ' +
      'handlers need different lists; true works on all backfills that a process has.',
  );
}

function suggestion(name: string, known: readonly string[]): string {
  return name.trim() === '' || known.length === 0 ? '' : ` (did you mean "${nearestKey(name, known)}"?)`;
}
