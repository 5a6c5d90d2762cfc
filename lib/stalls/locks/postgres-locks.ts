import { groupWaits, numberOf, textOf } from './lock-wait.js';
import type { LockWait, Row } from './lock-wait.js';
import { maskStatement } from './mask-statement.js';

/**
 * Sessions of this database that wait for a lock, with those that block them. Where the sessions of the run are not known, as
 * behind a connection pooler, those of the same role count, and `is_own` is false. Of a row lock, which is one of its
 * transaction, the lock of the tuple tells the table.
 *
 * @param sessions of the run; integers. `null` where they are not known
 */
export function postgresLocks(sessions: readonly number[] | null): string {
  const known = sessions ?? [];
  const own = known.length > 0 ? `pid in (${known.map(Math.trunc).join(', ')})` : 'pid is null';
  return `
    select w.pid, w.query, l.locktype, l.mode, w.${own} as is_own,
      (extract(epoch from clock_timestamp() - coalesce((to_jsonb(l)->>'waitstart')::timestamptz, w.query_start)) * 1000)::float8
        as waited_ms,
      coalesce(l.relation, t.relation)::regclass::text as relation,
      b.pid as blocking_pid, a.application_name, a.usename::text as usename, a.state, a.query as blocking_query,
      (extract(epoch from clock_timestamp() - a.xact_start) * 1000)::float8 as blocking_ms,
      array_to_string(pg_blocking_pids(a.pid), ',') as waits_for
    from pg_stat_activity w
    join pg_locks l on l.pid = w.pid and not l.granted
    left join lateral (
      select relation from pg_locks where pid = w.pid and granted and locktype = 'tuple' limit 1
    ) t on true
    left join lateral unnest(pg_blocking_pids(w.pid)) b(pid) on true
    left join pg_stat_activity a on a.pid = b.pid
    where w.datname = current_database() and w.pid <> pg_backend_pid() and case
      when exists (select 1 from pg_stat_activity s where s.${own}) then w.${own}
      else w.usename = current_user end
    order by waited_ms desc limit 50`;
}

export function toPostgresWaits(rows: readonly Row[]): LockWait[] {
  return groupWaits(
    rows,
    (row) => ({
      pid: Number(row['pid']),
      waitedMs: Math.max(0, Math.round(numberOf(row['waited_ms']) ?? 0)),
      relation: textOf(row['relation']),
      lock: lockOf(row['locktype']),
      mode: textOf(row['mode']),
      query: statementOf(row['query']),
    }),
    (row) => {
      const pid = numberOf(row['blocking_pid']);
      const forMs = numberOf(row['blocking_ms']);
      return pid === null
        ? null
        : {
            pid,
            application: textOf(row['application_name']),
            user: textOf(row['usename']),
            state: textOf(row['state']),
            forMs: forMs === null ? null : Math.max(0, Math.round(forMs)),
            query: statementOf(row['blocking_query']),
            waitsFor: (textOf(row['waits_for']) ?? '').split(',').filter(Boolean).map(Number),
          };
    },
  );
}

/** A row lock is one of the transaction that wrote the row, or of its tuple. */
function lockOf(type: unknown): string {
  return type === 'transactionid' || type === 'tuple' ? 'row' : String(type);
}

/** A role without `pg_read_all_stats` does not see the statements of others. */
function statementOf(query: unknown): string | null {
  const text = textOf(query);
  return text === null || text === '<insufficient privilege>' ? null : maskStatement(text, 'postgres');
}
