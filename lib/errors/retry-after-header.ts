/** What a response says about when to come back; anything with `get` will do, also axios' headers. */
export interface ResponseHeaders {
  get(name: string): unknown;
}

/** Epoch seconds are told from a number of seconds by their size: no limit lasts for thirty years. */
const EPOCH_FROM = 1_000_000_000;

/**
 * Reads when a third party wants to be asked again, in ms from now: `Retry-After` in seconds or as an HTTP
 * date, else the reset of `RateLimit`, `RateLimit-Reset` or `X-RateLimit-Reset`. `null` where none says it.
 *
 * @param now epoch ms by the clock of this process; a date is read by the third party's own clock where the
 * response has a `Date`
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
  return ms !== null && ms >= EPOCH_FROM * 1000 ? msUntil(ms, clock) : ms;
}
