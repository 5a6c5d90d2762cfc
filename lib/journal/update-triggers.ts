import type { EntityManager } from '@mikro-orm/core';

/**
 * What the triggers of a table may do to a row that is updated: those `before` change what is written; those `after` may
 * write the row once more.
 */
export type UpdateTriggers = 'none' | 'before' | 'after';

/**
 * Selects the `UpdateTriggers` of a table with its partitions. A foreign key from the table to itself that changes rows
 * when it is updated counts as a trigger after the update.
 *
 * @param table quoted
 */
export function updateTriggersOf(em: EntityManager, table: string): string {
  const oid = `to_regclass(${em.getPlatform().quoteValue(table)})::oid`;
  return (
    `(with recursive parts as (select ${oid} as oid union ` +
    'select i.inhrelid from pg_inherits i join parts p on i.inhparent = p.oid) ' +
    "select case coalesce(max(w.moment), 0) when 2 then 'after' when 1 then 'before' else 'none' end from (" +
    // TRIGGER_TYPE_BEFORE is 2, and TRIGGER_TYPE_UPDATE 16.
    'select case when t.tgtype & 2 = 0 then 2 else 1 end as moment from pg_trigger t join parts p on t.tgrelid = p.oid ' +
    'where not t.tgisinternal and t.tgtype & 16 <> 0 union all ' +
    `select 2 from pg_constraint k join parts p on k.conrelid = p.oid ` +
    `where k.contype = 'f' and k.confrelid = ${oid} and k.confupdtype in ('c', 'n', 'd')) as w(moment))`
  );
}
