import type { PeakRates } from './peak-hours.js';
import { startOf, rateSegments } from './rate-segments.js';

/** The last instant that a `Date` can hold. */
const LAST_INSTANT = 8_640_000_000_000_000;

const FOUR_WEEKS = 28 * 86_400_000;

/** So few ranges tell the average to half a percent. */
const SAMPLE = 200;

/**
 * When the first, the second, the third … range would start, in epoch milliseconds with their fraction: at
 * 3 a second they stand exactly a third of a second apart. The first one starts at `from`, or when a hold
 * ends. The rate changes where the peak begins and ends; a rate of 0 waits for the next one that is not.
 *
 * Ends when no range would start any more; goes on for ever otherwise, so take what is needed.
 *
 * @param from Epoch milliseconds.
 * @param measuredPerSecond Ranges a second that the workers reach, where it is known (more than 0): it
 * counts where it is lower than the configured rate, and where that is `null`. Unpaced and not measured,
 * all ranges start at one instant.
 */
export function* startTimes(
  config: PeakRates,
  from: number,
  measuredPerSecond?: number | null,
): Generator<number, void, undefined> {
  const walk = { from, until: LAST_INSTANT, last: -Infinity, measuredPerSecond: known(measuredPerSecond) };
  for (const run of rateSegments(config, walk)) {
    for (let index = 0; index < run.count; index++) {
      const start = startOf(run, index);
      if (start > LAST_INSTANT) return;
      yield start;
    }
  }
}

/**
 * When the last of so many ranges would start: the epoch milliseconds that {@link startTimes} gives for
 * it. `from` when there are none left.
 *
 * Walks the hours of the peak, not the ranges: exact for the first four weeks, and after that by the
 * average of them.
 *
 * @param from Epoch milliseconds.
 * @param ranges How many ranges are still to start.
 * @param measuredPerSecond As for {@link startTimes}.
 * @returns `null` when it cannot be told: held for ever, beyond what a `Date` can hold, or the rest would
 * run unpaced at a speed that nobody has measured.
 */
export function estimateEnd(
  config: PeakRates,
  from: number,
  ranges: number,
  measuredPerSecond?: number | null,
): number | null {
  if (ranges <= 0) return from;
  const measured = known(measuredPerSecond);
  let [at, last, remaining, started, stride] = [from, -Infinity, ranges, 0, FOUR_WEEKS];
  while (at <= LAST_INSTANT) {
    const until = at + stride;
    const startedBefore = started;
    for (const run of rateSegments(config, { from: at, until, last, measuredPerSecond: measured })) {
      if (run.perSecond === Infinity) return null;
      if (remaining <= run.count) return orNull(startOf(run, remaining - 1));
      remaining -= run.count;
      started += run.count;
      last = startOf(run, run.count - 1);
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

/** A speed of 0 is one that nobody has measured yet: it says nothing about the end. */
function known(measuredPerSecond: number | null | undefined): number {
  return measuredPerSecond && measuredPerSecond > 0 ? measuredPerSecond : Infinity;
}

function orNull(end: number): number | null {
  return end <= LAST_INSTANT ? end : null;
}
