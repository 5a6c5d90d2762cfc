import { nextPeakMoment, peakMoment, type PeakMoment } from './peak-moment.js';
import type { PeakRates } from './peak-hours.js';

/**
 * Ranges that start at one rate, evenly spaced.
 *
 * @internal
 */
export interface RateSegment {
  /** Epoch milliseconds at which the first of them starts. */
  readonly first: number;
  /** Ranges a second; `Infinity`: all of them at once. */
  readonly perSecond: number;
  /** How many; `Infinity` where the rate never changes again. */
  readonly count: number;
}

/**
 * What a walk begins with and where it ends.
 *
 * @internal
 */
export interface SegmentRequest {
  /** Epoch milliseconds, inclusive. */
  readonly from: number;
  /** Epoch milliseconds, exclusive; the last run may go beyond it where the rate never changes again. */
  readonly until: number;
  /** When the range before the first one started; `-Infinity` where there was none. */
  readonly last: number;
  /** Ranges a second that the workers reach at most; `Infinity` where nobody knows. */
  readonly measuredPerSecond: number;
}

/**
 * The starts of ranges on the timeline of the peak hours. A range starts as soon as the interval of the
 * rate then in force has passed since the one before it; nothing is made up for after a hold.
 *
 * @internal
 */
export function* rateSegments(
  config: PeakRates,
  walk: SegmentRequest,
): Generator<RateSegment, void, undefined> {
  const onPeak = Math.min(config.perSecondOnPeak ?? Infinity, walk.measuredPerSecond);
  const offPeak = Math.min(config.perSecondOffPeak ?? Infinity, walk.measuredPerSecond);
  const fastest = Math.max(onPeak, offPeak);
  if (fastest === 0) return;
  let last = walk.last;
  let moment: PeakMoment | null = peakMoment(config, walk.from);
  while (moment && moment.at < walk.until) {
    const next: PeakMoment | null = onPeak === offPeak ? null : nextPeakMoment(config, moment);
    const perSecond = moment.onPeak ? onPeak : offPeak;
    const end = next ? Math.min(next.at, walk.until) : Infinity;
    const first = perSecond === 0 ? Infinity : Math.max(moment.at, last + 1000 / perSecond);
    if (first < end) {
      const run = { first, perSecond, count: countUntil(first, perSecond, end) };
      yield run;
      last = startOf(run, run.count - 1);
    }
    moment = next && laterMoment(config, next, last + 1000 / fastest);
  }
}

/**
 * When one range of a run starts, in epoch milliseconds with their fraction. Multiplied, not added up, so
 * that no rounding error grows along the run.
 *
 * @param index Number of the range in the run, from 0.
 * @internal
 */
export function startOf(run: Pick<RateSegment, 'first' | 'perSecond'>, index: number): number {
  return run.perSecond === Infinity ? run.first : run.first + (index * 1000) / run.perSecond;
}

/** No rate lets a range start before `earliest`, so a very slow one need not walk every day until then. */
function laterMoment(config: PeakRates, next: PeakMoment, earliest: number): PeakMoment {
  return earliest > next.at ? peakMoment(config, earliest) : next;
}

function countUntil(first: number, perSecond: number, end: number): number {
  if (end === Infinity || perSecond === Infinity) return Infinity;
  let count = Math.ceil(((end - first) * perSecond) / 1000);
  // The product may be off by its last bit, and a range that is due at the boundary belongs behind it.
  while (startOf({ first, perSecond }, count - 1) >= end) count--;
  while (startOf({ first, perSecond }, count) < end) count++;
  return count;
}
