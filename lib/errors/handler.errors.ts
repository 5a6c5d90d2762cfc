import { BackfillError } from './backfill-error.js';
import { retryAfterOf } from './retry-after-header.js';
import type { ResponseHeaders } from './retry-after-header.js';

const TOO_MANY_REQUESTS = 429;
const SERVICE_UNAVAILABLE = 503;
/** Where a 429 does not say how long. */
const UNTOLD_MS = 1_000;

/** What `RateLimitedError.from` reads of a response: that of `fetch`, or one like it. */
export interface LimitedResponse {
  readonly status: number;
  readonly headers: ResponseHeaders;
}

/**
 * Thrown by a handler when a third party asks to wait: the whole backfill is held for that long in every
 * process. No attempt is used up and nothing is lost.
 *
 * @example
 * ```ts
 * const response = await fetch(url, { signal: context.signal });
 * RateLimitedError.throwIf(response);
 * ```
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

  /**
   * Makes one from a response that asks to wait, else answers `null`: a 429, or a 503 that says until when.
   * How long is read from `Retry-After` (seconds or an HTTP date), `RateLimit`, `RateLimit-Reset` or
   * `X-RateLimit-Reset`; a 429 with none of them waits a second.
   */
  static from({ status, headers }: LimitedResponse): RateLimitedError | null {
    if (status !== TOO_MANY_REQUESTS && status !== SERVICE_UNAVAILABLE) {
      return null;
    }
    const told = retryAfterOf(headers, Date.now());
    if (told === null && status === SERVICE_UNAVAILABLE) {
      return null;
    }
    const ms = Math.ceil(told ?? UNTOLD_MS);
    return new RateLimitedError(ms, `The third party answered ${status}; retry after ${ms} ms`);
  }

  /**
   * Throws what `from` makes of the response; does nothing where it does not ask to wait.
   *
   * @throws RateLimitedError for a 429, and for a 503 that says until when
   */
  static throwIf(response: LimitedResponse): void {
    const error = RateLimitedError.from(response);
    if (error) {
      throw error;
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

/**
 * What a row fails with that its handler has not finished within `rowTimeoutMs`.
 *
 * @publicApi
 */
export class RowTimeoutError extends BackfillError {
  readonly code = 'BACKFILL_ROW_TIMEOUT';

  constructor(readonly timeoutMs: number) {
    super(
      `Expected the row to be handled within ${timeoutMs} ms (rowTimeoutMs), got no answer. Honour ` +
        '`context.signal`, which is aborted now, or raise rowTimeoutMs.',
    );
  }
}
