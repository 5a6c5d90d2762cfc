import type { SourceContext } from './backfill-source.js';

/**
 * Runs a query of a source and stops waiting for it as soon as nobody wants the answer any more. What the
 * database throws comes through as it is: the planner tells a timeout by it.
 *
 * @throws The signal's reason once it is aborted.
 * @internal
 */
export async function runQuery<Answer>(
  { signal }: SourceContext,
  query: () => Promise<Answer>,
): Promise<Answer> {
  signal?.throwIfAborted();
  const answer = query();
  if (!signal) return answer;
  let stop = (): void => {};
  const aborted = new Promise<never>((_, reject) => {
    stop = () => reject(signal.reason as Error);
    signal.addEventListener('abort', stop, { once: true });
  });
  try {
    return await Promise.race([answer, aborted]);
  } finally {
    signal.removeEventListener('abort', stop);
    // Settles after an abort too, when nobody is left to hear of it.
    answer.catch(() => {});
  }
}
