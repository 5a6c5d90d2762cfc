import { helper, LockMode } from '@mikro-orm/core';
import type { EntityManager, EntityMetadata } from '@mikro-orm/core';
import { isOverload } from '../../database/classify-error.js';
import { quotedTable } from '../../database/table-name.js';
import { withSavepoint } from '../../database/with-savepoint.js';
import { countOf } from '../../errors/count-of.js';
import { NonRetryableError } from '../../errors/handler.errors.js';
import { executeStatement } from '../../sources/sql/execute-statement.js';
import { sqlFamily } from '../../sources/sql/sql-manager.js';
import { readRows } from './read-rows.js';

/**
 * Tells rows that row-level security of PostgreSQL shows to SELECT and hides from UPDATE from rows that somebody else has locked:
 * `skip locked` answers neither, and the former would be tried again forever.
 *
 * @throws NonRetryableError where a policy hides rows
 */
export async function requireVisibleToUpdate(
  em: EntityManager,
  meta: EntityMetadata,
  entities: readonly object[],
): Promise<void> {
  if (entities.length === 0 || !(await hasPolicies(em, meta))) {
    return;
  }
  const visible = await lockOrFail(em, meta, entities);
  const invisible = visible ? entities.filter((entity) => !visible.has(keyOf(entity))) : [];
  if (invisible.length === 0) {
    return;
  }
  // Somebody may have deleted one of them since it was found to be there.
  const existing = await readRows(em, meta, invisible, { keysOnly: true });
  const hidden = invisible.filter((entity) => existing.has(keyOf(entity)));
  if (hidden.length > 0) {
    throw new NonRetryableError(
      `Row-level security of ${quotedTable(em, meta)} shows ${countOf(hidden.length, 'row')} to SELECT and hides ` +
        `${hidden.length === 1 ? 'it' : 'them'} from UPDATE, such as the one with the primary key ` +
        `${keyOf(hidden[0] as object)}. Give the database role of the workers a policy for UPDATE, or leave these rows out by ` +
        'the where of the source.',
    );
  }
}

/** Whether policies apply to the role of the connection. */
async function hasPolicies(em: EntityManager, meta: EntityMetadata): Promise<boolean> {
  if (sqlFamily(em) !== 'postgresql') {
    return false;
  }
  const table = em.getPlatform().quoteValue(quotedTable(em, meta));
  const [row] = await executeStatement(em, `select row_security_active(to_regclass(${table})) as active`);
  return row?.['active'] === true;
}

/** The rows that can be locked; `null` where somebody else has locked one of them. */
async function lockOrFail(
  em: EntityManager,
  meta: EntityMetadata,
  entities: readonly object[],
): Promise<ReadonlyMap<string, object> | null> {
  const lockMode = LockMode.PESSIMISTIC_WRITE_OR_FAIL;
  try {
    return await withSavepoint(em, () => readRows(em, meta, entities, { lockMode, keysOnly: true }));
  } catch (error) {
    if (!isOverload(error)) {
      throw error;
    }
    return null;
  }
}

function keyOf(entity: object): string {
  return helper(entity).getSerializedPrimaryKey();
}
