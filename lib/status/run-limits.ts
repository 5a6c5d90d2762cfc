import type { StoredHold } from '../state/global-hold.js';
import { decodeOverrides } from '../state/override.store.js';
import type { RunRecord } from '../state/run-record.js';
import type { StoredStall } from '../state/stall.js';
import { aliveProcesses } from '../state/worker.heartbeats.js';
import type { BackfillFacts } from './backfill-facts.js';
import type { ConcurrencyStatus } from './backfill-status.js';
import { budgetLimitOf } from './budget-limit.js';
import type { BudgetLimitStatus } from './budget-limit.js';
import type { LimitFacts } from './limiting-factor.js';
import { concurrencyOf } from './run-concurrency.js';
import { holdOf } from './run-hold.js';
import type { RunHold } from './run-hold.js';
import type { SpeedFacts } from './run-speed.js';
import { currentStall } from './run-stall.js';
import { isUnmanned } from './run-warnings.js';

/** Whatever limits a run now. */
export interface RunLimits {
  readonly hold: RunHold | null;
  readonly budget: BudgetLimitStatus | null;
  readonly stall: StoredStall | null;
  /** Where it is being found. */
  readonly concurrency: ConcurrencyStatus | null;
  /** What its end is computed from; `null` without a config that can be read. */
  readonly facts: LimitFacts | null;
}

/**
 * @param speed `null` where the config is corrupt
 * @param heldAll the hold of all runs; `null` without one
 */
export function limitsOf(
  run: RunRecord,
  facts: BackfillFacts,
  speed: SpeedFacts | null,
  now: number,
  heldAll: StoredHold | null,
): RunLimits {
  const hold = holdOf(run, speed?.config ?? null, now, heldAll);
  const budget = budgetLimitOf(run, now);
  const stall = currentStall(run, facts.samples, hold !== null || budget !== null);
  const concurrency = speed && concurrencyOf(run, speed.config, speed.shape, now);
  const processes = workersOf(facts, now);
  // Field by field: to spread the speed into so many takes the engine longer than the rest of this.
  const end = speed && {
    config: speed.config,
    shape: speed.shape,
    callsPerSecond: speed.callsPerSecond,
    samples: speed.samples,
    now: speed.now,
    heldUntil: hold?.until,
    heldAllUntil: heldAll?.until ?? null,
    stalled: stall !== null,
    unmanned: isUnmanned(run, processes, now, heldAll),
    hold,
    budget,
    stall,
    overrides: decodeOverrides(facts.overrides, now),
    concurrency,
    processes,
  };
  return { hold, budget, stall, concurrency, facts: end };
}

/** Processes with workers for it. */
export function workersOf({ heartbeats }: BackfillFacts, now: number): number {
  return aliveProcesses(heartbeats, now).length;
}
