import { BackfillError } from './backfill-error.js';

/**
 * Thrown by a handler when a third party asks to wait: the whole backfill is held for that long in every
 * process. No attempt is used up and nothing is lost.
 *
 * @example
 * throw new RateLimitedError(30_000);
 *
 * @publicApi
 */
export class RateLimitedError extends BackfillError {
  readonly code = 'BACKFILL_RATE_LIMITED';

  /** @param retryAfterMs ms to wait, at least 0 */
  constructor(
    readonly retryAfterMs: number,
    message = `Rate limited; retry after ${retryAfterMs} ms`,
    options?: ErrorOptions,
  ) {
    super(message, options);
    if (!Number.isFinite(retryAfterMs) || retryAfterMs < 0) {
      throw new RangeError(
        `Expected retryAfterMs to be a number of ms from 0 on, got ${String(retryAfterMs)}`,
      );
    }
  }
}

/**
 * Thrown by a handler for what no further attempt can mend: the range is split at once, and a single row
 * is quarantined.
 *
 * @publicApi
 */
export class NonRetryableError extends BackfillError {
  readonly code = 'BACKFILL_NON_RETRYABLE';
}
