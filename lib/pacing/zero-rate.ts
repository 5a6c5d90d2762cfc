import { currentRate, nextPeakChange } from './peak-hours.js';
import type { PeakRates } from './peak-hours.js';

/** Why the configured rate is 0, in words. */
export interface ZeroRate {
  readonly reason: string;
  /** Until when, in epoch ms; `null`: until the config changes. */
  readonly until: number | null;
}

/** The configured rate where it is 0 now, and until when; `null` where it is not. */
export function zeroRate(config: PeakRates, now: number): ZeroRate | null {
  if (currentRate(config, now).perSecond !== 0) {
    return null;
  }
  const { perSecondOnPeak, perSecondOffPeak } = config;
  if (perSecondOnPeak === perSecondOffPeak) {
    return { reason: 'the configured rate is 0', until: null };
  }
  const period = perSecondOnPeak === 0 ? 'on peak' : 'off peak';
  return { reason: `the configured rate ${period} is 0`, until: nextPeakChange(config, now) };
}
