import { randomBytes } from 'node:crypto';
import { hostname } from 'node:os';

/** Token of the id of this app in this process. */
export const PROCESS_ID = Symbol('nestjs-backfill:process-id');

/** Names this app in this process among all that share a Redis. */
export function newProcessId(): string {
  return `${hostname()}:${process.pid}:${randomBytes(3).toString('hex')}`;
}
