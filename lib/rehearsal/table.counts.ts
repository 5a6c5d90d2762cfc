import type { EntityManager } from '@mikro-orm/core';
import { executeStatement } from '../sources/sql/execute-statement.js';

/** Rows that a transaction has written in a table so far. */
export interface TableCount {
  readonly inserted: number;
  readonly updated: number;
  /** Of the updated: without an entry in an index. */
  readonly hotUpdated: number;
  readonly deleted: number;
}

/** Counts by table. */
export type TableCounts = ReadonlyMap<string, TableCount>;

/** What PostgreSQL has counted for this connection and not yet added to its statistics. */
export async function readTableCounts(em: EntityManager): Promise<TableCounts> {
  const rows = await executeStatement(
    em,
    'select relid::regclass::text as name, n_tup_ins as ins, n_tup_upd as upd, n_tup_hot_upd as hot, n_tup_del as del ' +
      'from pg_stat_xact_user_tables where n_tup_ins + n_tup_upd + n_tup_del > 0',
  );
  return new Map(
    rows.map(({ name, ins, upd, hot, del }) => [
      String(name),
      { inserted: Number(ins), updated: Number(upd), hotUpdated: Number(hot), deleted: Number(del) },
    ]),
  );
}

/** What was counted between two readings: counts of earlier transactions of the connection may still be among them. */
export function countsBetween(before: TableCounts, after: TableCounts): TableCounts {
  return combined(after, before, -1);
}

export function addCounts(left: TableCounts, right: TableCounts): TableCounts {
  return combined(left, right, 1);
}

function combined(left: TableCounts, right: TableCounts, sign: 1 | -1): TableCounts {
  const names = new Set([...left.keys(), ...right.keys()]);
  const entries = [...names].map((name): [string, TableCount] => {
    const [a, b] = [left.get(name), right.get(name)];
    const sum = (key: keyof TableCount) => Math.max(0, (a?.[key] ?? 0) + sign * (b?.[key] ?? 0));
    return [
      name,
      {
        inserted: sum('inserted'),
        updated: sum('updated'),
        hotUpdated: sum('hotUpdated'),
        deleted: sum('deleted'),
      },
    ];
  });
  return new Map(entries.filter(([, { inserted, updated, deleted }]) => inserted + updated + deleted > 0));
}
