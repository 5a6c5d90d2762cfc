import { sleep } from '../async/sleep.js';
import { isContended } from './classify-error.js';

const MAX_ATTEMPTS = 10;
const FIRST_WAIT_MS = 25;
const MAX_WAIT_MS = 250;

/**
 * Retries work from its start, with exponential backoff and jitter, while the database aborts it on contention: a
 * deadlock, SQLite's single writer, or an entity whose version others have changed. No row is at fault then. After a
 * second or two it fails as on any other error.
 *
 * @param canRetry asked before each retry
 */
export async function retryOnContention<Answer>(
  work: () => Promise<Answer>,
  signal: AbortSignal,
  canRetry: () => boolean,
): Promise<Answer> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await work();
    } catch (error) {
      if (attempt === MAX_ATTEMPTS || signal.aborted || !canRetry() || !isContended(error)) {
        throw error;
      }
      // Jitter: transactions that collided do not collide again.
      const wait = Math.min(FIRST_WAIT_MS * 2 ** (attempt - 1), MAX_WAIT_MS);
      await sleep(wait * (0.5 + Math.random()), signal);
      if (signal.aborted) {
        throw error;
      }
    }
  }
}
