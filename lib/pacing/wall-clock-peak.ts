import type { BackfillConfig } from '../config/backfill-config.js';

const HOUR = 3_600_000;
const DAY = 24 * HOUR;
const WEEK = 7 * DAY;

/** The keys of a config that determine the peak hours. */
export type PeakHours = Pick<
  BackfillConfig,
  'onPeakTimezone' | 'onPeakWdayBegin' | 'onPeakWdayEnd' | 'onPeakHourBegin' | 'onPeakHourEnd'
>;

/**
 * Whether a local time is on peak.
 *
 * @param local Local time in milliseconds, encoded as if it were UTC.
 * @internal
 */
export function isLocalPeak(config: PeakHours, local: number): boolean {
  const { onPeakHourBegin: begin, onPeakHourEnd: end, onPeakWdayBegin, onPeakWdayEnd } = config;
  const hour = modulo(Math.floor(local / HOUR), 24);
  const beganYesterday = begin > end && hour <= end;
  const day = weekday(beganYesterday ? local - DAY : local);
  return isWithin(hour, begin, end) && isWithin(day, onPeakWdayBegin, onPeakWdayEnd);
}

/**
 * The next local time that is on peak where `local` is not, or the reverse, unless the UTC offset changes before;
 * `Infinity` when there is none.
 *
 * @internal
 */
export function nextLocalChange(config: PeakHours, local: number): number {
  const onPeak = isLocalPeak(config, local);
  const midnight = Math.floor(local / DAY) * DAY;
  const hours = [config.onPeakHourBegin, (config.onPeakHourEnd + 1) % 24].toSorted((a, b) => a - b);
  for (let day = midnight; day <= midnight + WEEK; day += DAY) {
    for (const hour of hours) {
      const boundary = day + hour * HOUR;
      if (boundary > local && isLocalPeak(config, boundary) !== onPeak) return boundary;
    }
  }
  return Infinity;
}

function isWithin(value: number, begin: number, end: number): boolean {
  return begin <= end ? begin <= value && value <= end : begin <= value || value <= end;
}

/** 0 Sunday to 6 Saturday. The epoch was a Thursday. */
function weekday(local: number): number {
  return modulo(Math.floor(local / DAY) + 4, 7);
}

function modulo(value: number, divisor: number): number {
  return ((value % divisor) + divisor) % divisor;
}
