/**
 * Headers of a response: those of `fetch`, of axios, or anything else with `get`.
 *
 * @publicApi
 */
export interface ResponseHeaders {
  get(name: string): unknown;
}

/** Larger numbers are epoch seconds, smaller ones seconds from now. */
const MIN_EPOCH_S = 1_000_000_000;

/**
 * Milliseconds until a rate-limited request may be repeated: from `Retry-After` in seconds or as an HTTP date, else
 * from the reset of `RateLimit`, `RateLimit-Reset` or `X-RateLimit-Reset`; `null` without any of them.
 *
 * @param now epoch ms; `Date` of the response takes precedence, since dates are of the third party's clock
 */
export function retryAfterOf(headers: ResponseHeaders, now: number): number | null {
  const clock = dateOf(text(headers, 'date')) ?? now;
  const retryAfter = text(headers, 'retry-after');
  return (
    secondsOf(retryAfter) ??
    msUntil(dateOf(retryAfter), clock) ??
    resetOf(/(?:^|[;,\s])(?:t|reset)\s*=\s*(\d+(?:\.\d+)?)/i.exec(text(headers, 'ratelimit'))?.[1], clock) ??
    resetOf(text(headers, 'ratelimit-reset'), clock) ??
    resetOf(text(headers, 'x-ratelimit-reset'), clock)
  );
}

function text(headers: ResponseHeaders, name: string): string {
  const value = headers.get(name);
  return typeof value === 'string' || typeof value === 'number' ? String(value).trim() : '';
}

function secondsOf(value: string): number | null {
  return /^\d+(\.\d+)?$/.test(value) ? Number(value) * 1000 : null;
}

function dateOf(value: string): number | null {
  const time = /[a-z]{3}/i.test(value) ? Date.parse(value) : NaN;
  return Number.isNaN(time) ? null : time;
}

function msUntil(time: number | null, clock: number): number | null {
  return time === null ? null : Math.max(0, time - clock);
}

function resetOf(value: string | undefined, clock: number): number | null {
  const ms = secondsOf(value ?? '');
  return ms !== null && ms >= MIN_EPOCH_S * 1000 ? msUntil(ms, clock) : ms;
}
