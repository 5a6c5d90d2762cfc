import { groupWaits, numberOf, textOf } from './lock-wait.js';
import type { LockWait, Row } from './lock-wait.js';
import { maskStatement } from './mask-statement.js';

/** Sessions of the same account that wait for a lock of InnoDB. MariaDB has the view from 10.6 on; it needs PROCESS. */
export const MYSQL_LOCKS = `
  select w.waiting_pid as pid, w.waiting_query as query, w.waiting_lock_mode as mode, w.locked_table as relation,
    w.locked_type as locktype, timestampdiff(second, w.wait_started, now()) as waited_s,
    w.blocking_pid as blocking_pid, w.blocking_query as blocking_query,
    timestampdiff(second, w.blocking_trx_started, now()) as blocking_s, b.user as usename, b.command as command
  from sys.innodb_lock_waits w
  join information_schema.processlist p on p.id = w.waiting_pid
  left join information_schema.processlist b on b.id = w.blocking_pid
  where p.user = substring_index(current_user(), '@', 1) and p.db = database()
  order by waited_s desc limit 50`;

export function toMysqlWaits(rows: readonly Row[]): LockWait[] {
  return groupWaits(
    rows,
    (row) => ({
      pid: Number(row['pid']),
      waitedMs: 1000 * Math.max(0, numberOf(row['waited_s']) ?? 0),
      relation: textOf(row['relation'])?.replaceAll('`', '') ?? null,
      lock: row['locktype'] === 'RECORD' ? 'row' : String(row['locktype']).toLowerCase(),
      mode: textOf(row['mode']),
      query: statementOf(row['query']),
    }),
    (row) => {
      const pid = numberOf(row['blocking_pid']);
      const seconds = numberOf(row['blocking_s']);
      return pid === null
        ? null
        : {
            pid,
            application: null,
            user: textOf(row['usename']),
            state: textOf(row['command']),
            forMs: seconds === null ? null : 1000 * Math.max(0, seconds),
            query: statementOf(row['blocking_query']),
            waitsFor: [],
          };
    },
  );
}

function statementOf(query: unknown): string | null {
  const text = textOf(query);
  return text === null ? null : maskStatement(text, 'mysql');
}
