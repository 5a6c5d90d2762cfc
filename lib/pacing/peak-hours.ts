import type { BackfillConfig } from '../config/backfill-config.js';
import { nextPeakMoment, peakMoment } from './peak-moment.js';
import type { PeakHours } from './wall-clock-peak.js';

export type { PeakHours } from './wall-clock-peak.js';

/** The keys of a config that determine the rate. */
export type PeakRates = PeakHours & Pick<BackfillConfig, 'perSecondOnPeak' | 'perSecondOffPeak'>;

/**
 * Why a rate is in force: it is `on peak` or `off peak`, the rate is the same at `all hours`, or it is 0 at this hour
 * and the backfill is `held`.
 */
export type RateReason = 'on peak' | 'off peak' | 'all hours' | 'held';

/** A rate, and why it is in force. */
export interface CurrentRate {
  /** Ranges per second; `null` is unpaced, `0` holds. */
  readonly perSecond: number | null;
  readonly reason: RateReason;
}

/**
 * Whether an instant is on peak, by the local time of the zone.
 *
 * Hours that wrap around midnight belong to the day they began on: Friday to Monday, 22 to 5, is the four nights that
 * begin on those days. Tuesday 03:00 is on peak (Monday night), Friday 03:00 is not (Thursday night). Daylight saving
 * time: an hour that is repeated counts twice, an hour that is skipped does not occur, and a peak that would begin or
 * end in a skipped hour does so at the transition.
 *
 * @param at Epoch milliseconds.
 */
export function isOnPeak(config: PeakHours, at: number): boolean {
  return peakMoment(config, at).onPeak;
}

/**
 * When the peak next begins or ends: the epoch milliseconds of the first instant after `at` that differs from it;
 * `null` where the peak covers all hours of all days.
 *
 * @param at Epoch milliseconds.
 */
export function nextPeakChange(config: PeakHours, at: number): number | null {
  return nextPeakMoment(config, peakMoment(config, at))?.at ?? null;
}

/**
 * The configured rate at an instant.
 *
 * @param at Epoch milliseconds.
 */
export function currentRate(config: PeakRates, at: number): CurrentRate {
  const onPeak = isOnPeak(config, at);
  const perSecond = onPeak ? config.perSecondOnPeak : config.perSecondOffPeak;
  if (perSecond === 0) return { perSecond, reason: 'held' };
  if (config.perSecondOnPeak === config.perSecondOffPeak) return { perSecond, reason: 'all hours' };
  return { perSecond, reason: onPeak ? 'on peak' : 'off peak' };
}
