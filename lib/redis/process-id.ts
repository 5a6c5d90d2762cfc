import { randomBytes } from 'node:crypto';
import { hostname } from 'node:os';

/** Token of the id of this app instance. */
export const PROCESS_ID = Symbol('nestjs-backfill:process-id');

/** An id that no other app instance on the same Redis has; a process may hold several. */
export function newProcessId(): string {
  return `${hostname()}:${process.pid}:${randomBytes(3).toString('hex')}`;
}
