import type { BackfillConfig } from '../config/backfill-config.js';

/** A percentage of less would pause a run at its first failure. */
const SMALLEST_SAMPLE = 100;

/**
 * How many failures a run may have by now; with more than that it pauses itself. A percentage is taken of
 * what was worked off so far, as if that were at least 100: `'5%'` allows 5 from the start.
 *
 * @param maxFailures The config's `maxFailures`; `null` allows any number (`Infinity`).
 * @param finished What was worked off so far, failures included, counted in the same unit as failures.
 */
export function allowedFailures(maxFailures: BackfillConfig['maxFailures'], finished: number): number {
  if (maxFailures === null) return Infinity;
  if (typeof maxFailures === 'number') return maxFailures;
  return Math.floor((Number.parseFloat(maxFailures) * Math.max(finished, SMALLEST_SAMPLE)) / 100);
}
