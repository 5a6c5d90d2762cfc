import {
  ConnectionException,
  DeadlockException,
  DriverException,
  InvalidFieldNameException,
  LockWaitTimeoutException,
  ReadOnlyException,
  TableNotFoundException,
} from '@mikro-orm/core';
import { NonRetryableError, RateLimitedError } from '../errors/handler.errors.js';
import { type DatabaseErrorKind, saysClosed, databaseErrorKindOfCode } from './database-errors.js';

/**
 * What an error of a handler or of the database asks for:
 *
 * - `wait`: a third party asks for so many ms; no attempt is used up
 * - `unreachable`: the database does not answer; the same, for a time that grows
 * - `fatal`: no range could succeed (disk full, no such table, no permission): the run is to pause
 * - `final`: no further attempt can mend it
 * - `failure`: everything else; attempts and backoff
 */
export type ErrorVerdict =
  | { readonly kind: 'wait'; readonly ms: number }
  | { readonly kind: 'unreachable' | 'fatal' | 'final' | 'failure' };

/**
 * Tells what to do about an error. Only what the database driver reports counts as the database's: a
 * handler's own connections may be refused too, and that is a failure of the range.
 */
export function classifyError(error: unknown): ErrorVerdict {
  if (error instanceof RateLimitedError) {
    return { kind: 'wait', ms: error.retryAfterMs };
  }
  if (error instanceof NonRetryableError) {
    return { kind: 'final' };
  }
  const trouble = databaseErrorKind(error);
  return { kind: trouble === undefined || trouble === 'contended' ? 'failure' : trouble };
}

/** Whether an error concerns the whole run, which is then held or paused, and not just its row or range. */
export function concernsRun(error: unknown): boolean {
  const { kind } = classifyError(error);
  return kind !== 'failure' && kind !== 'final';
}

/** Whether others held what was asked for (a deadlock, a lock, SQLite's only writer): the same may do next. */
export function isContended(error: unknown): boolean {
  return databaseErrorKind(error) === 'contended';
}

/** Whether the database gave a statement up for the time it took. */
export function isTimeout(error: unknown): boolean {
  return (
    error instanceof Error &&
    (['57014', 'MaxTimeMSExpired'].includes(codeOf(error)) ||
      /statement timeout|max_statement_time|query execution was interrupted/i.test(error.message))
  );
}

function databaseErrorKind(error: unknown): DatabaseErrorKind | undefined {
  if (!(error instanceof Error)) {
    return undefined;
  }
  const ofDatabase = isDatabaseError(error);
  if (saysClosed(error.message, ofDatabase)) {
    return 'unreachable';
  }
  return ofDatabase ? (databaseErrorKindOfCode(codeOf(error)) ?? databaseErrorKindOfClass(error)) : undefined;
}

/** What MikroORM makes of an error, for drivers whose codes are not known here. */
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

/** What MikroORM wraps, and what drivers throw where a handler goes past MikroORM. */
function isDatabaseError(error: Error): boolean {
  if (error instanceof DriverException) {
    return true;
  }
  const ofPg = 'severity' in error && /^[0-9A-Z]{5}$/.test(codeOf(error));
  const ofMysql = 'sqlState' in error && /^(ER|PROTOCOL)_/.test(codeOf(error));
  return ofPg || ofMysql || /^(Mongo|Sqlite)\w*Error$/.test(error.name);
}

/** The code of an error or of what caused it; a cause may be of another realm, and so no `Error` here. */
function codeOf(error: unknown): string {
  for (let at = error, depth = 0; typeof at === 'object' && at !== null && depth < 5; depth++) {
    const { code, codeName, cause }: { code?: unknown; codeName?: unknown; cause?: unknown } = at;
    if (typeof code === 'string' && code !== '') {
      return code;
    }
    // MongoDB numbers its errors and names them beside.
    if (typeof codeName === 'string') {
      return codeName;
    }
    at = cause;
  }
  return '';
}
