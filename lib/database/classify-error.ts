import {
  ConnectionException,
  DeadlockException,
  DriverException,
  InvalidFieldNameException,
  LockWaitTimeoutException,
  OptimisticLockError,
  ReadOnlyException,
  TableNotFoundException,
} from '@mikro-orm/core';
import { BackfillSourceError } from '../errors/backfill-source.error.js';
import { NonRetryableError, RateLimitedError } from '../errors/handler.errors.js';
import {
  databaseErrorKindOfCode,
  isConnectionClosed,
  isServerCode,
  type DatabaseErrorKind,
} from './database-errors.js';

/**
 * How an error of a handler or of the database is dealt with:
 *
 * - `wait`: the run is held for the ms that a third party asked for; no attempt is used up. `quota`: name of the limit in
 *   the budget, where the handler says it
 * - `unreachable`: the run is held, with exponential backoff; no attempt is used up
 * - `fatal`: the run is paused: no range can succeed (disk full, no such table, no permission), unless
 *   `mayConcernRow` and others have succeeded
 * - `final`: the row or range fails without a further attempt
 * - `failure`: every other error: the row or range is retried with backoff
 */
export type ErrorVerdict =
  | { readonly kind: 'wait'; readonly ms: number; readonly quota: string | null }
  | { readonly kind: 'unreachable' | 'fatal' | 'final' | 'failure' };

/**
 * Decides how an error is dealt with. Only errors of the database driver count as errors of the database: where a
 * handler's own connection is refused, its range has failed.
 */
export function classifyError(error: unknown): ErrorVerdict {
  if (error instanceof RateLimitedError) {
    return { kind: 'wait', ms: error.retryAfterMs, quota: error.quota ?? null };
  }
  if (error instanceof NonRetryableError) {
    return { kind: 'final' };
  }
  if (error instanceof BackfillSourceError) {
    return { kind: sourceVerdict(error) };
  }
  const kind = databaseErrorKind(error);
  return { kind: kind === undefined || kind === 'contended' ? 'failure' : kind };
}

/** Whether the database could not be reached, also where an error of the app has that as its cause. */
export function isUnreachable(error: unknown): boolean {
  for (let cause = error; cause instanceof Error; cause = cause.cause) {
    if (classifyError(cause).kind === 'unreachable') {
      return true;
    }
  }
  return false;
}

/** Whether an error concerns the whole run, which is then held or paused, and not just its row or range. */
export function concernsRun(error: unknown): boolean {
  const { kind } = classifyError(error);
  return kind !== 'failure' && kind !== 'final';
}

/**
 * Whether a fatal error may be one of a single row after all: a policy, a trigger or a view can raise it for one row and
 * for no other. An error of the server, such as a full disk, cannot.
 */
export function mayConcernRow(error: unknown): boolean {
  return (
    classifyError(error).kind === 'fatal' &&
    !(error instanceof ReadOnlyException) &&
    !(error instanceof BackfillSourceError) &&
    !isServerCode(codeOf(error))
  );
}

/**
 * Whether a statement failed on contention (deadlock, lock timeout, SQLite's single writer, a version that others have
 * changed) and may be retried.
 */
export function isContended(error: unknown): boolean {
  return error instanceof OptimisticLockError || databaseErrorKind(error) === 'contended';
}

/** Whether the database refused a connection because it has as many as it takes, in all or of this user or database. */
export function isOutOfConnections(error: unknown): boolean {
  return ['53300', 'ER_CON_COUNT_ERROR', 'ER_TOO_MANY_USER_CONNECTIONS'].includes(codeOf(error));
}

/** Whether the database timed out, on a statement or on a lock, or has no connection left: others may be waiting, too. */
export function isOverload(error: unknown): boolean {
  return (
    isTimeout(error) ||
    isOutOfConnections(error) ||
    error instanceof LockWaitTimeoutException ||
    (error instanceof Error && codeOf(error) === '55P03')
  );
}

/** Whether the database cancelled a statement for the time that it took. */
export function isTimeout(error: unknown): boolean {
  return (
    error instanceof Error &&
    (['57014', 'MaxTimeMSExpired'].includes(codeOf(error)) ||
      /statement timeout|max_statement_time|query execution was interrupted/i.test(error.message))
  );
}

/** Whether PostgreSQL ended a session because a transaction waited for its client for too long. */
export function isIdleTransaction(error: unknown): boolean {
  return error instanceof Error && codeOf(error) === '25P03';
}

/**
 * Whether the database could not read a value that it was given: a text for a number, a time beyond its calendar, or
 * a NUL character in a text of PostgreSQL.
 */
export function isInvalidValue(error: unknown): boolean {
  return error instanceof Error && (codeOf(error).startsWith('22') || isMalformedStatement(error));
}

/**
 * PostgreSQL answers a text with a NUL character, and a statement with more than 65,535 parameters, with the code of a
 * broken connection, though the connection goes on. It names its source file, which poolers with the same code do not.
 */
function isMalformedStatement(error: Error): boolean {
  return codeOf(error) === '08P01' && 'file' in error && 'severity' in error && error.severity === 'ERROR';
}

/** A file or array that changed gives no range what was planned; a malformed record stays malformed. */
function sourceVerdict({ code }: BackfillSourceError): 'fatal' | 'final' | 'failure' {
  switch (code) {
    case 'BACKFILL_SOURCE_CHANGED':
      return 'fatal';
    case 'BACKFILL_SOURCE_ROW':
      return 'final';
    default:
      return 'failure';
  }
}

function databaseErrorKind(error: unknown): DatabaseErrorKind | undefined {
  if (!(error instanceof Error)) {
    return undefined;
  }
  const fromDatabase = isDatabaseError(error);
  if (isConnectionClosed(error.message, fromDatabase)) {
    return 'unreachable';
  }
  if (isMalformedStatement(error)) {
    return undefined;
  }
  return fromDatabase
    ? (databaseErrorKindOfCode(codeOf(error)) ?? databaseErrorKindOfClass(error))
    : undefined;
}

/** By the class of MikroORM's exception, for drivers whose codes are not listed. */
function databaseErrorKindOfClass(error: Error): DatabaseErrorKind | undefined {
  if (error instanceof DeadlockException || error instanceof LockWaitTimeoutException) {
    return 'contended';
  }
  if (
    error instanceof TableNotFoundException ||
    error instanceof InvalidFieldNameException ||
    error instanceof ReadOnlyException
  ) {
    return 'fatal';
  }
  return error instanceof ConnectionException || error.name === 'MongoNetworkError'
    ? 'unreachable'
    : undefined;
}

/** Whether MikroORM wrapped a driver's error, or a driver that the handler uses directly threw it. */
function isDatabaseError(error: Error): boolean {
  if (error instanceof DriverException) {
    return true;
  }
  const isPg = 'severity' in error && /^[0-9A-Z]{5}$/.test(codeOf(error));
  const isMysql = 'sqlState' in error && /^(ER|PROTOCOL)_/.test(codeOf(error));
  return isPg || isMysql || /^(Mongo|Sqlite)\w*Error$/.test(error.name);
}

/** The code of an error or of its causes. A cause from another realm is no `instanceof Error`. */
function codeOf(error: unknown): string {
  for (let next = error, depth = 0; typeof next === 'object' && next !== null && depth < 5; depth++) {
    const { code, codeName, cause }: { code?: unknown; codeName?: unknown; cause?: unknown } = next;
    if (typeof code === 'string' && code !== '') {
      return code;
    }
    // MongoDB's `code` is a number and `codeName` its name.
    if (typeof codeName === 'string') {
      return codeName;
    }
    next = cause;
  }
  return '';
}
