import { nextPeakMoment, peakMoment, type PeakMoment } from './peak-moment.js';
import type { PeakRates } from './peak-hours.js';

/**
 * Consecutive ranges that start at one rate, evenly spaced.
 *
 * @internal
 */
export interface RateSegment {
  /** Epoch milliseconds at which the first of them starts. */
  readonly first: number;
  /** Ranges per second; `Infinity`: all of them at once. */
  readonly perSecond: number;
  /** Number of ranges; `Infinity` where the rate never changes again. */
  readonly count: number;
}

/**
 * The stretch of time to divide into segments.
 *
 * @internal
 */
export interface SegmentRequest {
  /** Epoch milliseconds, inclusive. */
  readonly from: number;
  /** Epoch milliseconds, exclusive; the last segment may exceed it where the rate never changes again. */
  readonly until: number;
  /** Start time of the range before the first one; `-Infinity` where there was none. */
  readonly last: number;
  /** Ranges per second that the workers reach at most; `Infinity` while unknown. */
  readonly measuredPerSecond: number;
}

/**
 * The segments of constant rate between the changes of the peak hours. A range starts when the interval of the rate
 * then in force has elapsed since the range before it; there is no burst after a hold.
 *
 * @internal
 */
export function* rateSegments(
  config: PeakRates,
  request: SegmentRequest,
): Generator<RateSegment, void, undefined> {
  const onPeak = Math.min(config.perSecondOnPeak ?? Infinity, request.measuredPerSecond);
  const offPeak = Math.min(config.perSecondOffPeak ?? Infinity, request.measuredPerSecond);
  const fastest = Math.max(onPeak, offPeak);
  if (fastest === 0) return;
  let last = request.last;
  let moment: PeakMoment | null = peakMoment(config, request.from);
  while (moment && moment.at < request.until) {
    const next: PeakMoment | null = onPeak === offPeak ? null : nextPeakMoment(config, moment);
    const perSecond = moment.onPeak ? onPeak : offPeak;
    const end = next ? Math.min(next.at, request.until) : Infinity;
    const first = perSecond === 0 ? Infinity : Math.max(moment.at, last + 1000 / perSecond);
    if (first < end) {
      const segment = { first, perSecond, count: countUntil(first, perSecond, end) };
      yield segment;
      last = startOf(segment, segment.count - 1);
    }
    moment = next && laterMoment(config, next, last + 1000 / fastest);
  }
}

/**
 * Start time of one range of a segment, in epoch milliseconds with their fraction. Multiplied instead of summed up, so
 * that rounding errors do not accumulate.
 *
 * @param index Number of the range in the segment, from 0.
 * @internal
 */
export function startOf(segment: Pick<RateSegment, 'first' | 'perSecond'>, index: number): number {
  const { first, perSecond } = segment;
  return perSecond === Infinity ? first : first + (index * 1000) / perSecond;
}

/** No range starts before `earliest` at any rate, so a very slow rate need not iterate over every day until then. */
function laterMoment(config: PeakRates, next: PeakMoment, earliest: number): PeakMoment {
  return earliest > next.at ? peakMoment(config, earliest) : next;
}

function countUntil(first: number, perSecond: number, end: number): number {
  if (end === Infinity || perSecond === Infinity) return Infinity;
  let count = Math.ceil(((end - first) * perSecond) / 1000);
  // Floating point may be off by the last bit; a range due exactly at the boundary belongs to the next segment.
  while (startOf({ first, perSecond }, count - 1) >= end) count--;
  while (startOf({ first, perSecond }, count) < end) count++;
  return count;
}
