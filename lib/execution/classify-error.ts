import { DriverException } from '@mikro-orm/core';
import { NonRetryableError, RateLimitedError } from '../errors/handler.errors.js';

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

/** SQLSTATE of PostgreSQL: connection exceptions, shutdown, starting up, too many connections. */
const UNREACHABLE = /^(08|57P0|53300)/;
/** Disk full, out of memory, configuration limit, no privilege, read-only, no such table or column. */
const FATAL = new Set(['53100', '42501', '25006', '42P01', '42703', '3F000']);
const SOCKET = new Set(['ECONNREFUSED', 'ECONNRESET', 'EPIPE', 'ETIMEDOUT', 'ENOTFOUND', 'EHOSTUNREACH']);
/** What `pg` says of a connection that is no more; these errors have no code. */
const CLOSED = /^(connection terminated|client has encountered a connection error)/i;

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
  if (error instanceof Error && CLOSED.test(error.message)) {
    return { kind: 'unreachable' };
  }
  if (!isDatabaseError(error)) {
    return { kind: 'failure' };
  }
  const code = codeOf(error);
  if (UNREACHABLE.test(code) || SOCKET.has(code)) {
    return { kind: 'unreachable' };
  }
  return { kind: FATAL.has(code) ? 'fatal' : 'failure' };
}

/** Whether an error asks that nothing more is begun, rather than being the fault of its row. */
export function asksToStop(error: unknown): boolean {
  const { kind } = classifyError(error);
  return kind !== 'failure' && kind !== 'final';
}

/** Whether the database gave a statement up for the time it took. */
export function isTimeout(error: unknown): boolean {
  return (
    error instanceof Error &&
    (codeOf(error) === '57014' ||
      /statement timeout|max_statement_time|query execution was interrupted/i.test(error.message))
  );
}

/** What MikroORM wraps, and what `pg` throws where a handler writes SQL on the bare connection. */
function isDatabaseError(error: unknown): boolean {
  if (error instanceof DriverException) {
    return true;
  }
  return error instanceof Error && 'severity' in error && /^[0-9A-Z]{5}$/.test(codeOf(error));
}

function codeOf(error: unknown): string {
  for (let at: unknown = error, depth = 0; at instanceof Error && depth < 5; at = at.cause, depth++) {
    const code: unknown = Reflect.get(at, 'code');
    if (typeof code === 'string' && code !== '') {
      return code;
    }
  }
  return '';
}
