import { groupWaits, numberOf, textOf } from './lock-wait.js';
import type { LockWait, Row } from './lock-wait.js';
import { maskStatement } from './mask-statement.js';

const COLUMNS = `r.trx_mysql_thread_id as pid, r.trx_query as query,
    timestampdiff(second, r.trx_wait_started, now()) as waited_s, b.trx_mysql_thread_id as blocking_pid,
    b.trx_query as blocking_query, timestampdiff(second, b.trx_started, now()) as blocking_s,
    h.user as usename, h.command as command`;
const SESSIONS = `
  join information_schema.processlist p on p.id = r.trx_mysql_thread_id
  left join information_schema.processlist h on h.id = b.trx_mysql_thread_id
  where p.user = substring_index(current_user(), '@', 1) and p.db = database()
  order by waited_s desc limit 50`;

const MARIADB = `
  select ${COLUMNS}, l.lock_mode as mode, l.lock_table as relation, l.lock_type as locktype
  from information_schema.innodb_lock_waits w
  join information_schema.innodb_trx r on r.trx_id = w.requesting_trx_id
  join information_schema.innodb_trx b on b.trx_id = w.blocking_trx_id
  join information_schema.innodb_locks l on l.lock_id = w.requested_lock_id ${SESSIONS}`;
/** The view reads `performance_schema.data_lock_waits` in MySQL 8 and later, where MySQL 5.7 has the tables of MariaDB. */
const MYSQL = `${COLUMNS}, w.waiting_lock_mode as mode, w.locked_table as relation, w.locked_type as locktype
  from sys.innodb_lock_waits w
  join information_schema.innodb_trx r on r.trx_id = w.waiting_trx_id
  join information_schema.innodb_trx b on b.trx_id = w.blocking_trx_id ${SESSIONS}`;

/**
 * Sessions of the same account and database that wait for a lock of InnoDB. The account needs PROCESS, and on MySQL SELECT on
 * `sys` and `performance_schema`, and EXECUTE on `sys`. The server ends the statement after `timeoutMs`.
 *
 * @param version what the server answers to `version()`
 */
export function mysqlLocks(version: string, timeoutMs: number): string {
  return version.includes('MariaDB')
    ? `set statement max_statement_time = ${timeoutMs / 1000} for ${MARIADB}`
    : `select /*+ MAX_EXECUTION_TIME(${timeoutMs}) */ ${MYSQL}`;
}

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
