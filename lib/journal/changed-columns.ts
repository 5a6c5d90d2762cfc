import type { EntityManager } from '@mikro-orm/core';
import { differ, hashOf } from './row-sql.js';

/** A column with SQL for its values as text, from before a write and after it. */
export interface ComparedColumn {
  readonly name: string;
  readonly before: string;
  readonly after: string;
}

/**
 * Selects what the journal has of a row: `before`, the old values of its columns that have changed, and `after`, the hashes
 * of their new ones; both are `null` where none has.
 *
 * @param condition in SQL, in place of the comparison, of a column `c` with `name`, `old` and `new`
 */
export function changedColumns(
  em: EntityManager,
  columns: readonly ComparedColumn[],
  condition = differ('c.old', 'c.new'),
): string {
  const values = columns.map(
    ({ name, before, after }) => `(${em.getPlatform().quoteValue(name)}, ${before}, ${after})`,
  );
  return (
    'select jsonb_object_agg(c.name, c.old) as before, ' +
    `jsonb_object_agg(c.name, ${hashOf('c.new')}) as after ` +
    `from (values ${values.join(', ')}) as c(name, old, new) where ${condition}`
  );
}
