import { setTimeout as sleep } from 'node:timers/promises';
import { RELEASE_MS } from '../deadlines.js';

const key = Symbol.for('nestjs-backfill.test.releases');

/** Has Jest's environment call this after the file's last hook, the latest registration first. */
export function onFileFinished(release: () => Promise<void>): void {
  const scope = globalThis as { [key]?: Array<() => Promise<void>> };
  (scope[key] ??= []).push(release);
}

/** Gives connections that are being closed a moment, then fails with those that are left. */
export async function expectNoConnections(
  what: string,
  list: () => Promise<string[]>,
  withinMs = RELEASE_MS,
): Promise<void> {
  const deadline = Date.now() + withinMs;
  for (let left = await list(); left.length > 0; left = await list()) {
    if (Date.now() > deadline) {
      throw new Error(
        `Expected no connection to ${what} after the last test, got ${left.length}. ` +
          `Close every app and client in afterAll.\n  ${left.join('\n  ')}`,
      );
    }
    await sleep(50);
  }
}
