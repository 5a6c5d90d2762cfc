/** What an error of the database means for the run. */
export type DatabaseErrorKind = 'unreachable' | 'contended' | 'fatal';

/** SQLSTATE classes of PostgreSQL: connection exceptions, shutdown, startup, too many connections. */
const UNREACHABLE = /^(08|57P0|53300)/;

const CODES: Readonly<Record<DatabaseErrorKind, readonly string[]>> = {
  unreachable: words(
    // Sockets of any driver.
    'ECONNREFUSED ECONNRESET EPIPE ETIMEDOUT ENOTFOUND EHOSTUNREACH EAI_AGAIN',
    // MariaDB and MySQL.
    'PROTOCOL_CONNECTION_LOST PROTOCOL_ENQUEUE_AFTER_FATAL_ERROR PROTOCOL_SEQUENCE_TIMEOUT',
    'ER_SERVER_SHUTDOWN ER_NORMAL_SHUTDOWN ER_CONNECTION_KILLED ER_CON_COUNT_ERROR ER_TOO_MANY_USER_CONNECTIONS',
    'SQLITE_CANTOPEN',
    // MongoDB, by `codeName`.
    'HostUnreachable HostNotFound NetworkTimeout SocketException ShutdownInProgress InterruptedAtShutdown',
    'NotWritablePrimary NotPrimaryNoSecondaryOk NotPrimaryOrSecondary PrimarySteppedDown',
    'InterruptedDueToReplStateChange FailedToSatisfyReadPreference',
  ),
  contended: words(
    '40001 40P01 55P03 ER_LOCK_DEADLOCK ER_LOCK_WAIT_TIMEOUT',
    'SQLITE_BUSY SQLITE_BUSY_SNAPSHOT SQLITE_BUSY_RECOVERY SQLITE_BUSY_TIMEOUT SQLITE_LOCKED',
    'WriteConflict LockTimeout LockBusy NoSuchTransaction',
  ),
  fatal: words(
    // PostgreSQL: disk full, no privilege, read-only, no such table, column or schema.
    '53100 42501 25006 42P01 42703 3F000',
    'ER_NO_SUCH_TABLE ER_BAD_TABLE_ERROR ER_BAD_FIELD_ERROR ER_BAD_DB_ERROR',
    'ER_ACCESS_DENIED_ERROR ER_DBACCESS_DENIED_ERROR ER_TABLEACCESS_DENIED_ERROR',
    'ER_COLUMNACCESS_DENIED_ERROR ER_SPECIFIC_ACCESS_DENIED_ERROR ER_DISK_FULL ER_RECORD_FILE_FULL',
    'ER_OPTION_PREVENTS_STATEMENT ER_CANT_EXECUTE_IN_READ_ONLY_TRANSACTION',
    'SQLITE_FULL SQLITE_READONLY SQLITE_READONLY_DBMOVED SQLITE_CORRUPT SQLITE_NOTADB',
    'Unauthorized AuthenticationFailed OutOfDiskSpace AtlasError InvalidNamespace',
  ),
};

/** The fatal codes of a server that accepts no writes or no logins. No policy, trigger or view raises them for one row. */
const SERVER_CODES: ReadonlySet<string> = new Set(
  words(
    '53100 25006 ER_DISK_FULL ER_RECORD_FILE_FULL ER_OPTION_PREVENTS_STATEMENT',
    'ER_CANT_EXECUTE_IN_READ_ONLY_TRANSACTION ER_ACCESS_DENIED_ERROR',
    'SQLITE_FULL SQLITE_READONLY SQLITE_READONLY_DBMOVED SQLITE_NOTADB AuthenticationFailed OutOfDiskSpace',
  ),
);

const KIND_BY_CODE: ReadonlyMap<string, DatabaseErrorKind> = new Map(
  (Object.keys(CODES) as DatabaseErrorKind[]).flatMap((kind) =>
    CODES[kind].map((code) => [code, kind] as const),
  ),
);

/** Messages of `pg` and `mysql2` about a closed connection; these errors have no code. */
const CLOSED_MESSAGE =
  /^(connection terminated|client has encountered a connection error|connection lost: the server closed|can't add new command when connection is in closed state)/i;
/** Messages of `mongodb` about it. They resemble those of other clients, so they count only for its own errors. */
const CLOSED_MESSAGE_MONGO =
  /^(connection \S+ to \S+ (closed|timed out|interrupted)|connection pool for \S+ was cleared|server selection timed out|topology is closed)/i;

/** The kind of an error by its code, of whichever driver. */
export function databaseErrorKindOfCode(code: string): DatabaseErrorKind | undefined {
  return UNREACHABLE.test(code) ? 'unreachable' : KIND_BY_CODE.get(code);
}

/** Whether a fatal error is one of the server, whichever row is written. */
export function isServerCode(code: string): boolean {
  return SERVER_CODES.has(code);
}

/** Whether an error says that the connection to the database is closed. */
export function isConnectionClosed(message: string, fromDatabase: boolean): boolean {
  return CLOSED_MESSAGE.test(message) || (fromDatabase && CLOSED_MESSAGE_MONGO.test(message));
}

function words(...lines: readonly string[]): string[] {
  return lines.flatMap((line) => line.split(' '));
}
