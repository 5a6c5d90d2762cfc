import { RowTimeoutError } from '../errors/handler.errors.js';

/**
 * Waits for a row, but no longer than it may take: then it is told to stop and the wait is over, whether
 * the handler honours that or not.
 *
 * @param ms `null`: as long as it takes
 * @throws RowTimeoutError
 */
export async function withinTime(
  work: Promise<void>,
  ms: number | null,
  stop: Pick<AbortController, 'abort'>,
): Promise<void> {
  if (ms === null) {
    return work;
  }
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => {
      const error = new RowTimeoutError(ms);
      stop.abort(error);
      reject(error);
    }, ms);
  });
  try {
    await Promise.race([work, late]);
  } finally {
    clearTimeout(timer);
    // What it throws after its time nobody is left to hear; the row has failed already.
    work.catch(() => undefined);
  }
}
