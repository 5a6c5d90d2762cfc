import type { ConcurrencyState } from '../../state/concurrency-state.js';
import type { SlotBounds } from './load-signals.js';

/** The state of a run that begins: at the minimum. */
export function initialConcurrency({ min }: SlotBounds, now: number): ConcurrencyState {
  return {
    value: min,
    reason: 'starts at its minimum',
    since: now,
    at: now,
    begunAt: now,
    processes: 0,
    min,
    floorMs: null,
    latencyMs: null,
    used: 0,
    pressure: 0,
    pressureTrend: 0,
    pressurePeak: 0,
    stretch: 1,
    ceiling: null,
    good: min,
    raisedAt: 0,
    loweredAt: 0,
    severity: 0,
    proven: null,
    clearSince: now,
    raises: 0,
    calmSince: now,
    ended: 0,
    totals: null,
  };
}
