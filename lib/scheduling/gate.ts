/** A rate limit as BullMQ takes it: whole numbers, both at least 1. */
export interface RateGate {
  /** Most jobs that start in one window. */
  readonly max: number;
  /** Length of a window in milliseconds. */
  readonly duration: number;
}

/** Long enough for whole numbers to come near any rate, short enough that no burst fits into one. */
const WINDOW = 50;

/** What a window is shortened by, so that the pacer behind the gate is never kept waiting by it. */
const HEADROOM = 2;

/** A gate is asked for again at every change of the rate; a window that lasts for days serves nobody. */
const LONGEST_WINDOW = 86_400_000;

/**
 * The coarse gate in front of the exact pacer: it lets a little more through than the rate, never less.
 *
 * Up to 20 ranges a second a window holds one range; above, windows last about 50 ms. Each is 2 to 3 ms
 * shorter than the rate asks for, which is at most 10 % faster.
 *
 * @param perSecond Ranges a second, more than 0.
 * @throws RangeError for a rate that has no gate: 0 is held by other means, and `null` needs none.
 */
export function gateFor(perSecond: number): RateGate {
  if (!(perSecond > 0 && Number.isFinite(perSecond))) {
    throw new RangeError(`expected a rate above 0 for the gate, got ${perSecond}`);
  }
  const max = Math.max(1, Math.round((perSecond * WINDOW) / 1000));
  const exact = Math.floor((max * 1000) / perSecond);
  return { max, duration: Math.min(exact - HEADROOM, LONGEST_WINDOW) };
}
