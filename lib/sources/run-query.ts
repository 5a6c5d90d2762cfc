import type { SourceContext } from './backfill-source.js';

/**
 * Runs a query and stops waiting for it when the context's signal is aborted. Database errors are rethrown
 * unchanged, because the planner recognizes timeouts by them.
 *
 * @throws The signal's reason once it is aborted.
 * @internal
 */
export async function runQuery<Result>(
  { signal }: SourceContext,
  query: () => Promise<Result>,
): Promise<Result> {
  signal?.throwIfAborted();
  const result = query();
  if (!signal) return result;
  let onAbort = (): void => {};
  const aborted = new Promise<never>((_, reject) => {
    onAbort = () => reject(signal.reason as Error);
    signal.addEventListener('abort', onAbort, { once: true });
  });
  try {
    return await Promise.race([result, aborted]);
  } finally {
    signal.removeEventListener('abort', onAbort);
    // After an abort nothing awaits the query: without a handler, its error would be an unhandled rejection.
    result.catch(() => {});
  }
}
