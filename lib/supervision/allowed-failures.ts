import type { BackfillConfig } from '../config/backfill-config.js';

/** With a smaller sample, a percentage would pause a run at its first failure. */
const MIN_SAMPLE = 100;

/**
 * How many failures a run may have so far before it is paused. A percentage refers to the rows processed so far, at
 * least 100: `'5%'` allows 5 from the start.
 *
 * @param maxFailures The config's `maxFailures`; `null` allows any number (`Infinity`).
 * @param processed Rows processed so far, failures included.
 */
export function allowedFailures(maxFailures: BackfillConfig['maxFailures'], processed: number): number {
  if (maxFailures === null) return Infinity;
  if (typeof maxFailures === 'number') return maxFailures;
  return Math.floor((Number.parseFloat(maxFailures) * Math.max(processed, MIN_SAMPLE)) / 100);
}
