import { BackfillDefinitionError } from '../errors/backfill-definition.error.js';
import type { SourceDatabase } from '../sources/backfill-source.js';
import { checkedSource } from '../sources/checked-source.js';
import { isValidName, NAME_RULE } from './backfill-name.js';
import type { DeclaredBackfill } from './registered-backfill.js';

/**
 * The backfills that a declared one consists of: one for each partition where these are in several databases, else itself.
 *
 * @param moduleContext context of the module, which the backfill has by default
 * @throws BackfillDefinitionError where a partition has no valid name, or two have the same rows
 */
export function inDatabases(declared: DeclaredBackfill, moduleContext: string): readonly DeclaredBackfill[] {
  const { declaredSource } = declared;
  const databases = typeof declaredSource === 'function' ? [] : (declaredSource.databases?.() ?? []);
  if (databases.length === 0) {
    return [declared];
  }
  const contextOf = ({ contextName = declared.contextName }: SourceDatabase) =>
    contextName === moduleContext ? undefined : contextName;
  assertDistinct(declared.name, databases, contextOf);
  return databases.map((database) => inDatabase(declared, database, contextOf(database)));
}

/** The name of the partition of which a backfill of a group is. */
export function partitionName(group: string, backfill: string): string {
  return backfill.slice(group.length + 1);
}

function inDatabase(
  declared: DeclaredBackfill,
  database: SourceDatabase,
  contextName: string | undefined,
): DeclaredBackfill {
  const name = nameOf(declared.name, database);
  const declaredSource = checkedSource(database.source, name);
  return { ...declared, name, group: declared.name, contextName, declaredSource };
}

function nameOf(backfill: string, { partition }: SourceDatabase): string {
  const name = `${backfill}.${partition}`;
  if (partition === '' || !isValidName(name)) {
    throw new BackfillDefinitionError(
      `The partitions of backfill "${backfill}" are in several databases, so that each is a backfill with a name that ` +
        `must match ${NAME_RULE}, got ${JSON.stringify(name)}. Rename the partition ${JSON.stringify(partition)}.`,
    );
  }
  return name;
}

/** Rows of two partitions would be processed by both. */
function assertDistinct(
  backfill: string,
  databases: readonly SourceDatabase[],
  contextOf: (database: SourceDatabase) => string | undefined,
): void {
  const seen = new Map<string, string>();
  for (const database of databases) {
    const { partition, filter } = database;
    const rows = JSON.stringify([contextOf(database) ?? null, filter]);
    const same = seen.get(rows);
    if (same !== undefined) {
      throw new BackfillDefinitionError(
        `The partitions "${same}" and "${partition}" of backfill "${backfill}" have the same rows of the same database. ` +
          'Remove one of them, or give them different contexts or filters.',
      );
    }
    seen.set(rows, partition);
  }
}
