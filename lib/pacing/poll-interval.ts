import type { BackfillThrottle } from '../throttles/backfill-throttle.js';
import { MEASURE_TIMEOUT_MS } from './throttle.evaluator.js';

const DEFAULT_EVERY_MS = 1_000;
const MIN_EVERY_MS = 50;
/** A report counts for this long at least: a busy process is late. */
const MIN_EXPIRY_MS = 5_000;

/** Ms between two measurements of a throttle. */
export function throttleInterval({ everyMs = DEFAULT_EVERY_MS }: Pick<BackfillThrottle, 'everyMs'>): number {
  return everyMs >= MIN_EVERY_MS ? everyMs : MIN_EVERY_MS;
}

/**
 * Ms to pause after a measurement. A slow one is paused for as long as it took, a second at most, so that it does not
 * keep a connection busy all the time.
 */
export function pauseAfter(elapsedMs: number, everyMs: number): number {
  return Math.max(everyMs - elapsedMs, Math.min(elapsedMs, DEFAULT_EVERY_MS));
}

/** For how many ms a report counts: one late measurement and a timeout do not end it. */
export function reportExpiry(everyMs: number): number {
  return Math.max(MIN_EXPIRY_MS, 2 * everyMs + MEASURE_TIMEOUT_MS);
}
