import type { AutoTuneConfig } from '../config/backfill-config.js';

/** So near to the target nothing changes, or noise would move the size for ever. */
const NEAR = 0.1;
const MOST_GROWTH = 1.5;
const MOST_SHRINK = 0.5;

/**
 * The batch size of the next ranges, by what a row takes: ranges planned with an earlier size say that just
 * as well, so that the delay between planning and working makes nothing swing.
 *
 * @param msPerRow measured; more than 0
 */
export function nextBatchSize(current: number, msPerRow: number, tune: AutoTuneConfig): number {
  const wanted = tune.targetMs / msPerRow / current;
  const near = Math.abs(wanted - 1) <= NEAR;
  const factor = near ? 1 : Math.min(MOST_GROWTH, Math.max(MOST_SHRINK, wanted));
  const size = factor > 1 ? Math.ceil(current * factor) : Math.floor(current * factor);
  return Math.min(tune.max, Math.max(tune.min, size));
}
