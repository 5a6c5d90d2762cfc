import { Info, type Zone } from 'luxon';
import { isLocalPeak, nextLocalChange, type PeakHours } from './wall-clock-peak.js';

const SECOND = 1000;
const WEEK = 7 * 24 * 3_600_000;

/** Longer than a week, because a change of the clocks can skip the one hour a week that is on peak. */
const HORIZON = 15 * 24 * 3_600_000;

/**
 * An instant in the zone of the peak hours.
 *
 * @internal
 */
export interface PeakMoment {
  /** Epoch milliseconds. */
  readonly at: number;
  /** Milliseconds to add to `at` for the time on the wall. */
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
 * Between two changes of the zone's offset the wall clock is plain arithmetic, so the zone, which is slow
 * to answer, is asked only there: when its offset at the next boundary is another one, the change itself
 * comes first. Offsets are compared at most a week apart, as no zone changes its clocks twice in one.
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

/** Bisects for the instant in `(after, until]` at which the offset changes: a whole second. */
function offsetChange(zone: Zone, after: PeakMoment, until: number): number {
  let [before, since] = [Math.floor(after.at / SECOND), Math.ceil(until / SECOND)];
  while (since - before > 1) {
    const middle = Math.floor((before + since) / 2);
    if (offsetAt(zone, middle * SECOND) === after.offset) before = middle;
    else since = middle;
  }
  return since * SECOND;
}

/** Luxon keeps the zones it has made, so this is a look-up. */
function zoneOf(config: PeakHours): Zone {
  return Info.normalizeZone(config.onPeakTimezone);
}

function offsetAt(zone: Zone, at: number): number {
  return Math.round(zone.offset(at) * 60_000);
}
