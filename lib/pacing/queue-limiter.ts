/** A rate limit as BullMQ takes it: whole numbers, both at least 1. */
export interface QueueLimit {
  /** Most jobs that start in one window. */
  readonly max: number;
  /** Length of a window in milliseconds. */
  readonly duration: number;
}

/** Long enough for whole numbers to come near any rate, short enough that no burst fits into one. */
const WINDOW = 50;

/**
 * What a window is shortened by: a worker wakes up a little after each window's end, and the pacer behind
 * the gate must never be kept waiting by that.
 */
const HEADROOM_MS = 4;
const HEADROOM_SHARE = 0.2;

/**
 * Above one range a window many workers wake up together at its end, and each has a round trip to make: as
 * much again is let through. Those that are early wait for their moment in the worker.
 */
const BUSY_HEADROOM_SHARE = 0.5;

/** A gate is asked for again at every change of the rate; a window that lasts for days serves nobody. */
const LONGEST_WINDOW = 86_400_000;

/**
 * The coarse gate in front of the exact pacer: it lets a little more through than the rate, never less.
 *
 * Up to 20 ranges a second a window holds one range, and is 4 ms shorter than the rate asks for, or 20 %
 * where that is less. Above, a window holds about 50 ms of the rate and lasts half as long.
 *
 * @param perSecond Ranges a second, more than 0.
 * @throws RangeError for a rate that has no gate: 0 is held by other means, and `null` needs none.
 */
export function queueLimiter(perSecond: number): QueueLimit {
  if (!(perSecond > 0 && Number.isFinite(perSecond))) {
    throw new RangeError(`expected a rate above 0 for the gate, got ${perSecond}`);
  }
  const max = Math.max(1, Math.round((perSecond * WINDOW) / 1000));
  const exact = Math.floor((max * 1000) / perSecond);
  const headroom =
    max > 1
      ? Math.ceil(exact * BUSY_HEADROOM_SHARE)
      : Math.min(HEADROOM_MS, Math.floor(exact * HEADROOM_SHARE));
  return { max, duration: Math.min(exact - headroom, LONGEST_WINDOW) };
}
