import { BackfillError, ERROR_KIND } from './backfill-error.js';
import { retryAfterOf } from './retry-after-header.js';
import type { ResponseHeaders } from './retry-after-header.js';

const TOO_MANY_REQUESTS = 429;
const SERVICE_UNAVAILABLE = 503;
/** For a 429 without any of the headers. */
const DEFAULT_RETRY_AFTER_MS = 1_000;

/**
 * The part of a response that `RateLimitedError.from` reads: one of `fetch`, of axios, or similar.
 *
 * @publicApi
 */
export interface LimitedResponse {
  readonly status: number;
  readonly headers: ResponseHeaders;
}

/**
 * Options of `RateLimitedError`.
 *
 * @publicApi
 */
export interface RateLimitedErrorOptions extends ErrorOptions {
  /**
   * Name of the limit in `callsPerSecond` of the budget, which is lowered for all backfills. Default: those that the handler
   * has passed to `context.quota`.
   */
  readonly quota?: string;
}

/**
 * To be thrown by a handler when a third party limits its rate: no process starts ranges of the backfill for
 * `retryAfterMs`. The range is retried afterwards, and no attempt is counted.
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
  /** @internal */
  static override readonly [ERROR_KIND] = 'rate-limited';

  readonly code = 'BACKFILL_RATE_LIMITED';

  /** Name of the limit in the budget; `null`: none was given. */
  readonly quota: string | null;

  /**
   * @param retryAfterMs milliseconds to wait, at least 0
   * @throws RangeError where it is negative or not a finite number
   */
  constructor(
    /** Milliseconds to wait. */
    readonly retryAfterMs: number,
    message = `Rate limited; retry after ${retryAfterMs} ms`,
    options?: RateLimitedErrorOptions,
  ) {
    super(message, options);
    this.quota = options?.quota ?? null;
    if (!Number.isFinite(retryAfterMs) || retryAfterMs < 0) {
      throw new RangeError(
        `Expected retryAfterMs to be a finite number of at least 0, got ${String(retryAfterMs)}`,
      );
    }
  }

  /**
   * Creates an error from a response with status 429, or with 503 and a header that says how long to wait; returns
   * `null` for any other response. The headers are `Retry-After` (seconds or an HTTP date), `RateLimit`,
   * `RateLimit-Reset` and `X-RateLimit-Reset`, in this order; without them a 429 waits for a second.
   */
  static from(
    { status, headers }: LimitedResponse,
    options?: RateLimitedErrorOptions,
  ): RateLimitedError | null {
    if (status !== TOO_MANY_REQUESTS && status !== SERVICE_UNAVAILABLE) {
      return null;
    }
    const retryAfterMs = retryAfterOf(headers, Date.now());
    if (retryAfterMs === null && status === SERVICE_UNAVAILABLE) {
      return null;
    }
    const ms = Math.ceil(retryAfterMs ?? DEFAULT_RETRY_AFTER_MS);
    return new RateLimitedError(ms, `The third party answered ${status}; retry after ${ms} ms`, options);
  }

  /**
   * Throws the error that `from` creates for the response, if any.
   *
   * @throws RateLimitedError for a 429, and for a 503 with a header that says how long to wait
   */
  static throwIf(response: LimitedResponse, options?: RateLimitedErrorOptions): void {
    const error = RateLimitedError.from(response, options);
    if (error) {
      throw error;
    }
  }
}

/**
 * To be thrown by a handler for an error that a retry cannot resolve, such as invalid data. A range is split at once
 * instead of being retried, down to the rows that fail; a row is recorded as a failure.
 *
 * @example
 * ```ts
 * throw new NonRetryableError(`Account ${account.id} has no owner`);
 * ```
 *
 * @publicApi
 */
export class NonRetryableError extends BackfillError {
  /** @internal */
  static override readonly [ERROR_KIND] = 'non-retryable';

  readonly code = 'BACKFILL_NON_RETRYABLE';
}

/**
 * The error of a row whose `processRow` did not return within `rowTimeoutMs`. It is also the reason of the row's
 * `context.signal`, and counts as a failed attempt.
 *
 * @publicApi
 */
export class RowTimeoutError extends BackfillError {
  /** @internal */
  static override readonly [ERROR_KIND] = 'row-timeout';

  readonly code = 'BACKFILL_ROW_TIMEOUT';

  constructor(
    /** The value of `rowTimeoutMs`. */
    readonly timeoutMs: number,
  ) {
    super(
      `The row was not processed within ${timeoutMs} ms (rowTimeoutMs). Pass \`context.signal\`, which is now ` +
        'aborted, on to what the handler awaits, or raise rowTimeoutMs.',
    );
  }
}
