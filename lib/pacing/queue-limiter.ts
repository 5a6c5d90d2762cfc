/** A rate limit of a BullMQ queue: whole numbers, both at least 1. */
export interface QueueLimit {
  /** Jobs that may start in one window. */
  readonly max: number;
  /** Length of a window in milliseconds. */
  readonly duration: number;
}

/** Long enough for whole numbers to approximate any rate, short enough that a window admits no burst. */
const WINDOW_MS = 50;

/** The window is shortened: workers wake up a little after its end, and the exact pacing must never wait for them. */
const HEADROOM_MS = 4;
const HEADROOM_FRACTION = 0.2;

/** With several ranges in a window, many workers wake up at its end together, and each makes a round trip to Redis. */
const SHARED_WINDOW_HEADROOM_FRACTION = 0.5;

/** The limit is applied again at each change of the rate, so no window needs to last longer than a day. */
const MAX_WINDOW_MS = 86_400_000;

/**
 * The coarse rate limit of the queue, which lets workers sleep: slightly above the rate, never below it. The claim
 * script enforces the exact rate.
 *
 * Up to 20 ranges a second, a window holds one range and is 4 ms shorter than the interval of the rate, or 20 % where
 * that is less. Above that, it holds the ranges of about 50 ms and lasts half as long.
 *
 * @param perSecond Ranges per second, above 0.
 * @throws RangeError for a rate without a limit: 0 (held) and `null` (unpaced).
 */
export function queueLimiter(perSecond: number): QueueLimit {
  if (!(perSecond > 0 && Number.isFinite(perSecond))) {
    throw new RangeError(`Expected a rate above 0 for the limit of the queue, got ${perSecond}`);
  }
  const max = Math.max(1, Math.round((perSecond * WINDOW_MS) / 1000));
  const exact = Math.floor((max * 1000) / perSecond);
  const headroom =
    max > 1
      ? Math.ceil(exact * SHARED_WINDOW_HEADROOM_FRACTION)
      : Math.min(HEADROOM_MS, Math.floor(exact * HEADROOM_FRACTION));
  return { max, duration: Math.min(exact - headroom, MAX_WINDOW_MS) };
}

/**
 * Ms for which the queue gives no further job after it has given one, whichever of these rates is in force; 0 where it may give
 * one at once.
 */
export function shortestWindow(...rates: readonly (number | null)[]): number {
  const fastest = Math.max(...rates.map((rate) => rate ?? Infinity));
  if (fastest <= 0 || fastest === Infinity) {
    return 0;
  }
  const { max, duration } = queueLimiter(fastest);
  return max === 1 ? duration : 0;
}
