import type { BackfillConfig, BackfillConfigPatch } from '../config/backfill-config.js';
import { configValues } from '../config/config.store.js';
import type { HandledBackfill } from '../handlers/registered-backfill.js';
import { allowedCalls } from '../pacing/shared.quota.js';
import type { RunRecord } from '../state/run-record.js';
import type { BackfillFacts } from './backfill-facts.js';
import type { SpeedFacts } from './run-speed.js';

const NO_DEFAULTS: readonly BackfillConfigPatch[] = Object.freeze([]);

/** The handler that works on a run: that of an undo is another. */
export function workedBy(run: RunRecord, backfill: HandledBackfill | undefined): HandledBackfill | undefined {
  return run.undoes ? (backfill?.reversal ?? backfill) : backfill;
}

/**
 * `null` where the stored config is corrupt.
 *
 * @param resolve default: resolves the config each time
 */
export function speedFactsOf(
  name: string,
  run: RunRecord,
  facts: BackfillFacts,
  backfill: HandledBackfill | undefined,
  now: number,
  resolve: typeof configValues = configValues,
): SpeedFacts | null {
  const config = configOf(name, facts, backfill, resolve);
  const callsPerSecond = config && allowedCalls(config.quota, facts.lowered, now);
  const { samples } = facts;
  return config && { config, shape: workedBy(run, backfill)?.shape, callsPerSecond, samples, now };
}

/** `null` where the stored config is corrupt; the watchdog pauses the run for that reason. */
function configOf(
  name: string,
  { config }: BackfillFacts,
  backfill: HandledBackfill | undefined,
  resolve: typeof configValues,
): BackfillConfig | null {
  try {
    return config && resolve(name, config, backfill?.defaults ?? NO_DEFAULTS);
  } catch {
    return null;
  }
}
