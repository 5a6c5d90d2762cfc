import type { ConcurrencyState } from '../../state/concurrency-state.js';
import type { LoadSignals, SlotBounds } from './load-signals.js';

/** Without an evaluation for this long, the run begins or goes on, and its processes are not all there yet. */
const GAP_MS = 3_000;

/**
 * Keeps the value within its bounds, which an operator may have changed, and the total of all processes as it is when
 * their number changes.
 */
export function rescale(
  state: ConcurrencyState,
  { now, processes }: LoadSignals,
  { min, max }: SlotBounds,
): ConcurrencyState {
  const begunAt = now - state.at > GAP_MS ? now : state.begunAt;
  const isComplete = now - begunAt > GAP_MS && processes > 0 && state.processes > 0;
  const factor = isComplete ? state.processes / processes : 1;
  // Below the minimum are only runs that throttles have brought there.
  const lowest = state.value < state.min ? 0 : min;
  const value = Math.min(max, Math.max(lowest, state.value * factor));
  const next = { ...state, begunAt, min, processes: processes > 0 ? processes : state.processes };
  if (value === state.value) {
    return next;
  }
  return {
    ...next,
    value,
    reason: factor === 1 ? 'its bounds have changed' : `the number of processes has become ${processes}`,
    good: value,
    ceiling: state.ceiling && { ...state.ceiling, value: state.ceiling.value * factor },
    proven: state.proven && { ...state.proven, value: Math.min(max, state.proven.value * factor) },
    ended: 0,
  };
}
