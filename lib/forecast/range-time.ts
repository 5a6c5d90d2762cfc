import type { ForecastRange } from '../state/backfill-forecast.js';
import { mapRange, meanInterval } from './mean-interval.js';
import type { MeasuredSpeed, TimedBatch } from './measurement.js';

/**
 * Ms that the library takes for a range beside its rows: claim, commit, acknowledgement, planning. One process has them one
 * after the other.
 */
const LIBRARY_MS = 1;

/** Ranges of a run. */
export interface PlannedRanges {
  readonly rows: number;
  /** In one process. */
  readonly concurrency: number;
}

/**
 * Ms between the ends of two ranges of one process where nothing but the handler limits it. Little's law: batches that
 * took a mean time of L, k of them at once, ended L / k apart. Fewer at once are as fast as batches alone allow, but no
 * faster than k; more at once are faster until the CPU of the process is busy, or (`high`) are not faster at all. Ranges of
 * another size take the time of batches of that size alone, by a line through the sizes that were measured.
 *
 * @returns `null` where no batch was timed
 */
export function rangeMs(speed: MeasuredSpeed, { rows, concurrency }: PlannedRanges): ForecastRange | null {
  const { atOnce, cpuMs, alone } = speed;
  const latency = meanInterval(speed.ms);
  if (!latency) {
    return null;
  }
  const aloneMs = timeOf(alone, speed.rows);
  const size = aloneMs > 0 ? timeOf(alone, rows) / aloneMs : rows / Math.max(1, speed.rows);
  const apart = mapRange(latency, (ms) => ms / atOnce) ?? latency;
  // No slower than what was measured, even where other work of the process was counted with the CPU time.
  const busyMs = Math.min(cpuMs, apart.expected);
  const more = (ms: number) => Math.max(busyMs, (ms * atOnce) / concurrency);
  const atConcurrency =
    concurrency > atOnce
      ? { low: more(apart.low), expected: more(apart.expected), high: Math.max(apart.high, cpuMs) }
      : (mapRange(apart, (ms) => Math.max(ms, concurrency < atOnce ? aloneMs / concurrency : 0)) ?? apart);
  return mapRange(atConcurrency, (ms) => ms * size + LIBRARY_MS);
}

/** Ms of a batch of so many rows: by a line through the smallest and the largest that were timed, neither part below 0. */
function timeOf(batches: readonly TimedBatch[], rows: number): number {
  const ordered = batches.toSorted((a, b) => a.rows - b.rows);
  const [first, last] = [ordered[0], ordered.at(-1)];
  if (!first || !last) {
    return 0;
  }
  const slope =
    last.rows > first.rows
      ? Math.min(Math.max(0, (last.ms - first.ms) / (last.rows - first.rows)), last.ms / last.rows)
      : last.ms / Math.max(1, last.rows);
  return last.ms + slope * (rows - last.rows);
}
