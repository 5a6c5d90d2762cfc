import type { AutoTuneConfig } from '../config/backfill-config.js';

/** Deviation from the target that changes nothing, so that noise does not move the size all the time. */
const TOLERANCE = 0.1;
const MAX_GROWTH = 1.5;
const MAX_SHRINK = 0.5;

/**
 * The batch size of the next ranges, from the time per row. Ranges that were planned with an earlier size measure the
 * same time per row, so the delay between planning and processing causes no oscillation.
 *
 * @param msPerRow measured; above 0
 */
export function nextBatchSize(current: number, msPerRow: number, tune: AutoTuneConfig): number {
  const wanted = tune.targetMs / msPerRow / current;
  const onTarget = Math.abs(wanted - 1) <= TOLERANCE;
  const factor = onTarget ? 1 : Math.min(MAX_GROWTH, Math.max(MAX_SHRINK, wanted));
  const size = factor > 1 ? Math.ceil(current * factor) : Math.floor(current * factor);
  return Math.min(tune.max, Math.max(tune.min, size));
}
