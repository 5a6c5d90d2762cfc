import { setTimeout as sleep } from 'node:timers/promises';
import { CONDITION_MS } from '../deadlines.js';

const MIN_INTERVAL_MS = 20;
const MAX_INTERVAL_MS = 100;

/** Waits until the answer passes, and fails with the last one when it never does. */
export async function eventually<T>(
  what: string,
  ask: () => Promise<T> | T,
  passes: (answer: T) => boolean,
  withinMs = CONDITION_MS,
): Promise<T> {
  const begin = Date.now();
  for (;;) {
    const answer = await ask();
    if (passes(answer)) {
      return answer;
    }
    const elapsedMs = Date.now() - begin;
    if (elapsedMs > withinMs) {
      throw new Error(`Expected ${what} within ${withinMs} ms, got ${JSON.stringify(answer)}`);
    }
    // Less often the longer it takes: asking costs processor time, which what is waited for may need.
    await sleep(Math.min(MAX_INTERVAL_MS, Math.max(MIN_INTERVAL_MS, elapsedMs / 10)));
  }
}
