import { setTimeout as sleep } from 'node:timers/promises';
import { CONDITION_MS } from '../deadlines.js';

/** Waits until the answer passes, and fails with the last one when it never does. */
export async function eventually<T>(
  what: string,
  ask: () => Promise<T> | T,
  passes: (answer: T) => boolean,
  withinMs = CONDITION_MS,
): Promise<T> {
  const deadline = Date.now() + withinMs;
  for (;;) {
    const answer = await ask();
    if (passes(answer)) {
      return answer;
    }
    if (Date.now() > deadline) {
      throw new Error(`Expected ${what} within ${withinMs} ms, got ${JSON.stringify(answer)}`);
    }
    await sleep(20);
  }
}
