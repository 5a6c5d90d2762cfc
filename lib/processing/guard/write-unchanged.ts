import { EventType } from '@mikro-orm/core';
import type { ChangeSet, EntityManager, EntityMetadata } from '@mikro-orm/core';
import type { FlushJournal } from '../../journal/flush.journal.js';
import type { JournaledUpdates } from '../../journal/journaled-updates.js';
import type { DatabaseSnapshot } from './database-snapshot.js';
import { plainKeysOf } from '../../database/plain-keys.js';
import { answer, executeLock, lockingSelect, suspectsOf, unchangedCount } from './lock-keys.js';
import type { LockRequest } from './lock-keys.js';
import { plainUpdatesOf } from './plain-updates.js';
import type { PlainUpdates } from './plain-updates.js';
import { schemaOf } from '../../database/table-name.js';
import { versionedTable } from './row-versions.js';
import { tableColumns } from './table-columns.js';

/** What came of a statement that locks and writes rows. */
export interface WrittenRows {
  /** The entities whose values have to be read again before any is written: none, where all were written. */
  readonly suspects: readonly object[];
  /** How many rows it has added to the journal. */
  readonly journaled: number;
}

/**
 * Locks the rows of changes and writes them, in one statement of PostgreSQL, where nobody has written any of them since
 * the snapshot. The same statement journals them. It never waits for a lock.
 *
 * MikroORM's own statement compares each row with the keys of half the others, and is long to build and to parse: this one
 * costs less, with the lock, than that one without.
 *
 * @returns `null` where the changes need MikroORM's own statement
 */
export async function writeUnchanged(
  em: EntityManager,
  changes: readonly ChangeSet<object>[],
  snapshot: DatabaseSnapshot,
  journal: FlushJournal | null,
): Promise<WrittenRows | null> {
  const meta = changes[0]?.meta as EntityMetadata | undefined;
  const table = meta ? await versionedTable(em, meta) : null;
  if (!meta || table === null) {
    return null;
  }
  const entities = changes.map(({ entity }) => entity);
  const keys = plainKeysOf(meta, entities);
  const updates = keys && plainUpdatesOf(em, changes, keys, await tableColumns(em, table));
  const journaled = updates && journal ? await journal.updates(em, meta, updates.columns) : null;
  if (!updates || (journal && !journaled)) {
    return null;
  }
  const request = { ...keys, table, entities, snapshot };
  const answered = await executeLock(em, writingStatement(em, request, updates, journaled));
  if (answered['current'] !== true) {
    throw new Error(`The types of the columns of ${table} have changed, or its triggers`);
  }
  if (Number(answered['moved'] ?? 0) > 0) {
    throw new Error(`A trigger has changed primary keys of ${table}`);
  }
  return { suspects: suspectsOf(request, answered), journaled: Number(answered['journaled'] ?? 0) };
}

/** Nothing is written where a row has changed, or a column: PostgreSQL would convert a value of another type in silence. */
function writingStatement(
  em: EntityManager,
  request: LockRequest,
  updates: PlainUpdates,
  journaled: JournaledUpdates | null,
): string {
  const { table, column, values } = request;
  const platform = em.getPlatform();
  const key = `e.${platform.quoteIdentifier(column)}`;
  return (
    `with locked as (${lockingSelect(em, request, journaled ? [journaled.before] : [])}), ` +
    `changes as (${updates.values}), ` +
    `columns as (select count(*) = ${updates.types.length}${journaled ? ` and ${journaled.current}` : ''} as current ` +
    `from pg_attribute where attrelid = to_regclass(${platform.quoteValue(table)}) ` +
    `and (attname, atttypid) in (${updates.types.join(', ')})), ` +
    `written as (update ${table} as e set ${updates.assignments} from changes as v ` +
    `where ${key} = v.key and (select current from columns) ` +
    `and (select ${unchangedCount(request)} from locked) = ${values.length}` +
    (journaled
      ? ` returning ${key} as key, v.key as given, ${journaled.after}), journaled as (${journaled.insert}) `
      : ') ') +
    `select ${answer(request)}, (select current from columns) as current` +
    (journaled
      ? ', (select count(*)::int from journaled) as journaled, ' +
        '(select count(*)::int from written where key is distinct from given) as moved'
      : '') +
    ' from locked'
  );
}

/**
 * Whether `writeUnchanged` may write changes, and nobody sees a difference: listeners are not called for single rows, and
 * no value comes back from the database.
 */
export function isPlainFlush(em: EntityManager, changes: readonly ChangeSet<object>[]): boolean {
  const meta = changes[0]?.meta;
  return (
    meta !== undefined &&
    changes.every((change) => change.meta === meta) &&
    [...new Set(changes.map(({ schema }) => schema))].every((schema) => isSchemaOf(em, meta, schema)) &&
    meta.versionProperty === undefined &&
    meta.concurrencyCheckKeys.size === 0 &&
    !meta.props.some(({ generated }) => generated) &&
    !hasUpdateListeners(em, meta) &&
    em.config.get('useBatchUpdates', true)
  );
}

/** Whether something of the app is called for each row that is updated. */
export function hasUpdateListeners(em: EntityManager, meta: EntityMetadata<object>): boolean {
  const events = em.getEventManager();
  return [EventType.beforeUpdate, EventType.afterUpdate].some((event) => events.hasListeners(event, meta));
}

function isSchemaOf(em: EntityManager, meta: EntityMetadata<object>, schema: string | undefined): boolean {
  return schema === undefined || schemaOf(em, { schema }) === schemaOf(em, meta as EntityMetadata);
}
