import { Info, type Zone } from 'luxon';
import { isLocalPeak, nextLocalChange, type PeakHours } from './wall-clock-peak.js';

const SECOND = 1000;
const WEEK = 7 * 24 * 3_600_000;

/** Longer than a week, because a transition to daylight saving time can skip the only hour of the week on peak. */
const HORIZON = 15 * 24 * 3_600_000;

/**
 * An instant in the time zone of the peak hours.
 *
 * @internal
 */
export interface PeakMoment {
  /** Epoch milliseconds. */
  readonly at: number;
  /** UTC offset in milliseconds: local time is `at + offset`. */
  readonly offset: number;
  readonly onPeak: boolean;
}

/** @internal */
export function peakMoment(config: PeakHours, at: number): PeakMoment {
  return momentWith(config, at, offsetAt(zoneOf(config), at));
}

/**
 * The moment the peak next begins or ends; `null` when it never does.
 *
 * Between two changes of the UTC offset local time is plain arithmetic, so the zone, whose lookup is slow, is only
 * queried at the next boundary: where the offset there differs, the change of the offset comes first. Offsets are
 * compared at most a week apart, as no zone changes its offset twice within one.
 *
 * @internal
 */
export function nextPeakMoment(config: PeakHours, from: PeakMoment): PeakMoment | null {
  const zone = zoneOf(config);
  let moment = from;
  while (moment.at < from.at + HORIZON) {
    const boundary = nextLocalChange(config, moment.at + moment.offset) - moment.offset;
    const next = Math.min(boundary, moment.at + WEEK);
    const offset = offsetAt(zone, next);
    if (Number.isNaN(offset)) return null;
    moment =
      offset === moment.offset
        ? momentWith(config, next, offset)
        : peakMoment(config, offsetChange(zone, moment, next));
    if (moment.onPeak !== from.onPeak) return moment;
  }
  return null;
}

function momentWith(config: PeakHours, at: number, offset: number): PeakMoment {
  return { at, offset, onPeak: isLocalPeak(config, at + offset) };
}

/** Finds the instant in `(after, until]` at which the offset changes, a whole second, by bisection. */
function offsetChange(zone: Zone, after: PeakMoment, until: number): number {
  let [before, since] = [Math.floor(after.at / SECOND), Math.ceil(until / SECOND)];
  while (since - before > 1) {
    const middle = Math.floor((before + since) / 2);
    if (offsetAt(zone, middle * SECOND) === after.offset) before = middle;
    else since = middle;
  }
  return since * SECOND;
}

/** Luxon caches zones, so this is a lookup. */
function zoneOf(config: PeakHours): Zone {
  return Info.normalizeZone(config.onPeakTimezone);
}

function offsetAt(zone: Zone, at: number): number {
  return Math.round(zone.offset(at) * 60_000);
}
