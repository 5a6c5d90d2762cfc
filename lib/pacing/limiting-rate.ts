import type { LimitingFactor } from '../state/limiting-factor.js';
import { isOnPeak } from './peak-hours.js';
import type { PeakRates } from './peak-hours.js';
import { estimateEnd } from './schedule.js';

/** The rates of a config. */
export type RateKey = 'perSecondOnPeak' | 'perSecondOffPeak';

const RATE_KEYS: readonly RateKey[] = ['perSecondOnPeak', 'perSecondOffPeak'];

/** What is left of a walk. */
export interface RestOfWalk {
  /** When the next range may start at the earliest, in epoch ms. */
  readonly from: number;
  readonly ranges: number;
  /** Ranges a second that anything but the configured rates allows. */
  readonly bound: number;
}

/** The rate that delays the end more, and by how many ms its double would bring the end nearer. */
export interface LimitingRate {
  readonly name: RateKey;
  readonly gain: number;
}

/** When the walk is through; `Infinity` for never. Unpaced ranges of unknown speed start at once. */
export function endOfWalk(rates: PeakRates, { from, ranges, bound }: RestOfWalk): number {
  return estimateEnd(rates, from, ranges, bound) ?? Infinity;
}

/** By how many ms an end is nearer than another; 0 where both are never. */
export function gainOf(end: number, relaxed: number): number {
  return end === relaxed ? 0 : end - relaxed;
}

/** Which of the two rates delays the end more, by the hours at which they are in force until then. */
export function limitingRate(rates: PeakRates, rest: RestOfWalk): LimitingRate {
  const end = endOfWalk(rates, rest);
  const gains = RATE_KEYS.map((name) => ({
    name,
    gain: gainOf(end, endOfWalk({ ...rates, [name]: relaxed(rates, name) }, rest)),
  }));
  const inForce = isOnPeak(rates, rest.from) ? 'perSecondOnPeak' : 'perSecondOffPeak';
  const [first] = gains.toSorted(
    (one, other) => other.gain - one.gain || Number(other.name === inForce) - Number(one.name === inForce),
  );
  return first ?? { name: inForce, gain: 0 };
}

/** One of the rates, as what delays a run. */
export function rateFactor(rates: PeakRates, name: RateKey): LimitingFactor {
  const value = rates[name];
  const hours = name === 'perSecondOnPeak' ? 'on peak' : 'off peak';
  const reason = `${value ?? 'any number of'} ranges a second are configured ${hours}`;
  return { kind: 'rate', name, value, reason };
}

/** Twice the rate; a rate of 0 becomes the other one. */
function relaxed(rates: PeakRates, name: RateKey): number | null {
  const rate = rates[name];
  if (rate === null || rate > 0) {
    return rate === null ? null : 2 * rate;
  }
  const other = rates[name === 'perSecondOnPeak' ? 'perSecondOffPeak' : 'perSecondOnPeak'];
  return other === 0 ? 1 : other;
}
