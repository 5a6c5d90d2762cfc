import { isContended } from './classify-error.js';
import { sleep } from '../async/sleep.js';

const TRIES = 10;
const FIRST_WAIT_MS = 25;
const LONGEST_WAIT_MS = 250;

/**
 * Does work again, from its beginning, while the database gave it up in favour of others: what a deadlock or
 * SQLite's single writer ask for, and no fault of a row. After a second or two it counts as any other failure.
 */
export async function retryOnContention<Answer>(
  work: () => Promise<Answer>,
  signal: AbortSignal,
  mayRepeat: () => boolean,
): Promise<Answer> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await work();
    } catch (error) {
      if (attempt === TRIES || signal.aborted || !mayRepeat() || !isContended(error)) {
        throw error;
      }
      // Spread, so that those who met do not meet again.
      const wait = Math.min(FIRST_WAIT_MS * 2 ** (attempt - 1), LONGEST_WAIT_MS);
      await sleep(wait * (0.5 + Math.random()), signal);
      if (signal.aborted) {
        throw error;
      }
    }
  }
}
