import { describe, expect, it } from '@jest/globals';
import { RateLimitedError } from '../../../lib/errors/handler.errors.js';
import { retryAfterOf } from '../../../lib/errors/retry-after-header.js';

const NOW = Date.parse('2026-03-01T12:00:00Z');
const after = (headers: Record<string, string>) => retryAfterOf(new Headers(headers), NOW);

describe('retryAfterOf', () => {
  it.each<[Record<string, string>, number | null]>([
    [{ 'retry-after': '7' }, 7_000],
    [{ 'retry-after': '0' }, 0],
    [{ 'retry-after': '1.5' }, 1_500],
    [{ 'retry-after': 'Sun, 01 Mar 2026 12:00:30 GMT' }, 30_000],
    [{ 'retry-after': 'Sun, 01 Mar 2026 11:59:30 GMT' }, 0],
    // The third party's clock is an hour ahead; its dates are relative to its own `Date`.
    [{ 'retry-after': 'Sun, 01 Mar 2026 13:00:05 GMT', date: 'Sun, 01 Mar 2026 13:00:00 GMT' }, 5_000],
    [{ 'retry-after': '2', 'ratelimit-reset': '60' }, 2_000],
    [{ 'retry-after': 'soon', 'ratelimit-reset': '60' }, 60_000],
    [{ 'ratelimit-reset': '12' }, 12_000],
    [{ ratelimit: '"default";r=0;t=30' }, 30_000],
    [{ ratelimit: 'limit=100, remaining=0, reset=15' }, 15_000],
    [{ 'x-ratelimit-reset': String(NOW / 1000 + 90) }, 90_000],
    [{ 'x-ratelimit-reset': '5' }, 5_000],
    [{ 'retry-after': '-3' }, null],
    [{ 'ratelimit-remaining': '0' }, null],
    [{}, null],
  ])('%j waits %p ms', (headers, expected) => {
    expect(after(headers)).toBe(expected);
  });

  it('reads any headers with a get method, and numbers as values', () => {
    expect(retryAfterOf(new Map<string, unknown>([['retry-after', 3]]), NOW)).toBe(3_000);
  });
});

describe('RateLimitedError', () => {
  const errorOf = (status: number, headers: Record<string, string> = {}) =>
    RateLimitedError.from(new Response(null, { status, headers }));

  it('is created from a 429, and from a 503 that says how long to wait', () => {
    expect(errorOf(429, { 'retry-after': '2' })).toMatchObject({ retryAfterMs: 2_000 });
    expect(errorOf(429)).toMatchObject({ retryAfterMs: 1_000 });
    expect(errorOf(503, { 'retry-after': '3' })).toMatchObject({ retryAfterMs: 3_000 });
  });

  it.each([200, 404, 500, 503])('is not created from a %i without such a header', (status) => {
    expect(errorOf(status)).toBeNull();
  });

  it('is thrown by throwIf for a rate-limited response only', () => {
    expect(() => RateLimitedError.throwIf(new Response('fine'))).not.toThrow();
    expect(() => RateLimitedError.throwIf(new Response(null, { status: 429 }))).toThrow(RateLimitedError);
  });

  it.each([-1, Number.NaN, Number.POSITIVE_INFINITY])('rejects %p ms', (ms) => {
    expect(() => new RateLimitedError(ms)).toThrow(RangeError);
  });
});
