import type { EntityManager } from '@mikro-orm/core';
import { arrayLiteral } from '../../database/plain-keys.js';
import type { PlainKeys } from '../../database/plain-keys.js';
import { executeStatement } from '../../sources/sql/execute-statement.js';
import { OLDEST_RUNNING, rememberSnapshot } from './database-snapshot.js';
import type { DatabaseSnapshot } from './database-snapshot.js';

/** Rows that are locked by their keys. */
export interface LockRequest extends PlainKeys {
  readonly table: string;
  /** In the order of the keys. */
  readonly entities: readonly object[];
  readonly snapshot: DatabaseSnapshot;
}

/**
 * Locks the rows with these keys, in the order of the keys, except those that somebody else has locked. Answers the
 * entities of those that were locked, deleted, or written by a transaction that the snapshot does not include.
 */
export async function lockKeys(em: EntityManager, request: LockRequest): Promise<readonly object[]> {
  const statement = `select ${answer(request)} from (${lockingSelect(em, request)}) as locked`;
  return suspectsOf(request, await executeLock(em, statement));
}

/** Executes a statement that answers the columns of `answer`. */
export async function executeLock(em: EntityManager, statement: string): Promise<Record<string, unknown>> {
  const at = performance.now();
  const [row = {}] = await executeStatement(em, statement);
  rememberSnapshot(em, row['oldest'], at);
  return row;
}

/** The entities whose values have to be read again, by the answer to a request. */
export function suspectsOf(
  { entities, values }: LockRequest,
  answered: Record<string, unknown>,
): readonly object[] {
  if (typeof answered['keys'] !== 'string') {
    return [];
  }
  const found = new Set(JSON.parse(answered['keys']) as string[]);
  return entities.filter((_, index) => !found.has(String(values[index])));
}

/**
 * Selects `key` and `version` of the rows, and locks them.
 *
 * @param others what else to select of a row `e`
 */
export function lockingSelect(
  em: EntityManager,
  { table, column, values }: LockRequest,
  others: readonly string[] = [],
): string {
  const key = `e.${em.getPlatform().quoteIdentifier(column)}`;
  return (
    `select ${[`${key} as key, e.xmin as version`, ...others].join(', ')} from ${table} as e ` +
    `where ${key} = any(${arrayLiteral(values)}) order by ${key} for update skip locked`
  );
}

/**
 * The columns of an answer about rows that were locked. PostgreSQL answers one row, with the keys of unchanged rows only
 * where others are not: MikroORM would take longer to build and to read a statement of a thousand keys than PostgreSQL
 * to lock their rows.
 */
export function answer(request: LockRequest): string {
  return (
    `${OLDEST_RUNNING} as oldest, case when ${unchangedCount(request)} < ${request.values.length} ` +
    `then to_json(coalesce(array_agg(key) ${unchangedFilter(request)}, '{}')::text[])::text end as keys`
  );
}

/** Counts the rows that were locked and have not changed. */
export function unchangedCount(request: LockRequest): string {
  return `count(*) ${unchangedFilter(request)}`;
}

function unchangedFilter({ snapshot }: LockRequest): string {
  return `filter (where age(version) > age('${snapshot.oldestXid}'::xid))`;
}
