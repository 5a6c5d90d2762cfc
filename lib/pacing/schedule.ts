import type { PeakRates } from './peak-hours.js';
import { startOf, rateSegments } from './rate-segments.js';

/** The last instant that a `Date` can hold. */
const LAST_INSTANT = 8_640_000_000_000_000;

const FOUR_WEEKS = 28 * 86_400_000;

/** After this many ranges, the average rate is accurate to half a percent. */
const SAMPLE = 200;

/**
 * The start times of the first, the second, the third … range, in epoch milliseconds with their fraction: at 3 a
 * second they are exactly a third of a second apart. The first range starts at `from`, or at the end of a hold. The
 * rate changes where the peak begins and ends; at a rate of 0 the next range waits for another rate.
 *
 * Ends when no further range would ever start; is infinite otherwise.
 *
 * @param from Epoch milliseconds.
 * @param measuredPerSecond Ranges per second that the workers reach, where it is known (above 0): an upper bound of
 * the configured rate, and the rate where that is `null`. Unpaced and not measured, all ranges start at one instant.
 */
export function* startTimes(
  config: PeakRates,
  from: number,
  measuredPerSecond?: number | null,
): Generator<number, void, undefined> {
  const measured = measuredOrInfinity(measuredPerSecond);
  const request = { from, until: LAST_INSTANT, last: -Infinity, measuredPerSecond: measured };
  for (const segment of rateSegments(config, request)) {
    for (let index = 0; index < segment.count; index++) {
      const start = startOf(segment, index);
      if (start > LAST_INSTANT) return;
      yield start;
    }
  }
}

/**
 * The start time of the last of the given number of ranges, in epoch milliseconds as {@link startTimes} gives it;
 * `from` when no ranges are left.
 *
 * Iterates over the periods of the peak hours, not over the ranges: exact for the first four weeks, extrapolated from
 * their average after that.
 *
 * @param from Epoch milliseconds.
 * @param ranges How many ranges are still to start.
 * @param measuredPerSecond As for {@link startTimes}.
 * @returns `null` when there is no estimate: the run is held for ever, the end is beyond what a `Date` can hold, or
 * the rest would run unpaced at a speed that has not been measured.
 */
export function estimateEnd(
  config: PeakRates,
  from: number,
  ranges: number,
  measuredPerSecond?: number | null,
): number | null {
  if (ranges <= 0) return from;
  const measured = measuredOrInfinity(measuredPerSecond);
  let [at, last, remaining, started, stride] = [from, -Infinity, ranges, 0, FOUR_WEEKS];
  while (at <= LAST_INSTANT) {
    const until = at + stride;
    const startedBefore = started;
    for (const segment of rateSegments(config, { from: at, until, last, measuredPerSecond: measured })) {
      if (segment.perSecond === Infinity) return null;
      if (remaining <= segment.count) return dateOrNull(startOf(segment, remaining - 1));
      remaining -= segment.count;
      started += segment.count;
      last = startOf(segment, segment.count - 1);
    }
    if (started === 0) return null;
    if (started === startedBefore) stride *= 2;
    at = until;
    if (started >= SAMPLE) {
      const skipped = Math.ceil(remaining / started) - 1;
      const jump = skipped * (at - from);
      [at, last, remaining] = [at + jump, last + jump, remaining - skipped * started];
    }
  }
  return null;
}

/** 0 means not measured yet, which bounds nothing. */
function measuredOrInfinity(measuredPerSecond: number | null | undefined): number {
  return measuredPerSecond && measuredPerSecond > 0 ? measuredPerSecond : Infinity;
}

function dateOrNull(end: number): number | null {
  return end <= LAST_INSTANT ? end : null;
}
