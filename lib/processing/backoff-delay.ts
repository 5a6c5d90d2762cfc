const LONGEST_DOUBLED = 5 * 60_000;

/**
 * Milliseconds to wait after a failed attempt: `backoffMs` after the first, doubled after each one more,
 * up to 5 minutes. A `backoffMs` above 5 minutes is kept as it is and not doubled.
 *
 * @param attempt Number of the attempt that failed, from 1.
 * @param backoffMs The config's `backoffMs`; 0 retries at once.
 */
export function backoffDelay(attempt: number, backoffMs: number): number {
  if (backoffMs === 0) return 0;
  return Math.min(backoffMs * 2 ** Math.max(0, attempt - 1), Math.max(backoffMs, LONGEST_DOUBLED));
}
