import { randomBytes } from 'node:crypto';

/** A new run id: short, because every job carries it, and later ones sort behind earlier ones. */
export function newRunId(now: number): string {
  return `${now.toString(36)}${randomBytes(4).readUInt32BE().toString(36).padStart(7, '0')}`;
}
