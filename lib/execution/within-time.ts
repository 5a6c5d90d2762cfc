import { RowTimeoutError } from '../errors/handler.errors.js';

/**
 * Waits for a row, but no longer than it may take: then it is told to stop and the wait is over, whether
 * the handler honours that or not.
 *
 * @param ms `null`: as long as it takes
 * @throws RowTimeoutError
 */
export function withinTime(
  work: unknown,
  ms: number | null,
  stop: Pick<AbortController, 'abort'>,
): Promise<unknown> {
  const working = Promise.resolve(work);
  if (ms === null) {
    return working;
  }
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => {
      const error = new RowTimeoutError(ms);
      stop.abort(error);
      reject(error);
    }, ms);
    const inTime = (settle: (value: unknown) => void) => (value: unknown) => {
      clearTimeout(timer);
      settle(value);
    };
    // What it throws after its time nobody is left to hear; the row has failed already.
    working.then(inTime(resolve), inTime(reject));
  });
}
