import type { BackfillConfig } from '../config/backfill-config.js';
import { zeroRate } from '../pacing/zero-rate.js';
import type { RunRecord } from '../state/run-record.js';

/** Why a running run starts nothing now; times in epoch ms, `null` where they are not known. */
export interface RunHold {
  readonly reason: string;
  readonly since: number | null;
  readonly until: number | null;
}

/**
 * Why a running run starts nothing now: a hold, a throttle at full pressure, or a configured rate of 0; `null` where it may
 * start something.
 *
 * @param config `null` where it is corrupt
 */
export function holdOf(run: RunRecord, config: BackfillConfig | null, now: number): RunHold | null {
  if (run.status !== 'running') {
    return null;
  }
  if (run.holdUntil !== null && run.holdUntil > now) {
    return { reason: run.holdReason ?? 'held', since: run.holdSince, until: run.holdUntil };
  }
  if (run.pace.kind !== 'held') {
    return null;
  }
  const isThrottled = run.pressure >= 1;
  const configured = config && zeroRate(config, now);
  const reasons = [
    ...(isThrottled ? [run.pressureReason ?? 'a throttle'] : []),
    ...(configured ? [configured.reason] : []),
  ];
  return {
    reason: reasons.join('; ') || 'the rate is 0',
    since: run.rateSince,
    until: isThrottled ? null : (configured?.until ?? null),
  };
}
