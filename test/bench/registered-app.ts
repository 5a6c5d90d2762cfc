import { setTimeout as sleep } from 'node:timers/promises';
import type { RemoteProcess } from '../support/processes/index.js';
import type { BenchArena } from './bench-arena.js';

/** Starts an app with an HTTP server and so many backfills. */
export function bootRegistered(arena: BenchArena, backfills: number): Promise<RemoteProcess> {
  return arena.fork({ role: 'registered', keyPrefix: arena.keyPrefix(), registered: backfills });
}

/** Starts the first of the backfills of such an app, and waits until each of these has done a range. */
export async function startRegistered(app: RemoteProcess, backfills: number): Promise<void> {
  await app.call('start', 0, backfills);
  while ((await app.call<number>('progressing')) < backfills) {
    await sleep(100);
  }
}
