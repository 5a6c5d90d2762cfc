import type { ConcurrencyState } from '../../state/concurrency-state.js';
import type { LoadSignals, SlotBounds } from './load-signals.js';
import { CALM_PRESSURE } from './observe.js';
import { CALM_STRETCH } from './trouble.js';

/** Trouble this soon after a raise is its effect. */
export const OWN_EFFECT_MS = 6_000;
/** Proof is counted from this long after a raise on, and after a pressure. */
const RAISED_MS = 4_000;
const CALM_MS = 1_000;
/** Values that differ by less are the same. */
const SAME = 1.1;
/** A value that was free of trouble for this long is returned to, and the more proof there is, the sooner. */
const PROOF_MS = 4_000;
const MUCH_PROOF_MS = 15_000;
const MOST_PROOF_MS = 60_000;
/** The pressure has to be clear for this long before. */
const CLEAR_MS = 500;
const CLEAR_LITTLE_PROOF_MS = 1_500;
/** What a return that causes trouble leaves of the proof, and of the value. */
const LEFT = 0.4;
const LESS = 0.95;
/** A value of which less is used is not what the signals speak of. */
const IN_USE = 0.5;
/** An interval without an evaluation proves no more than this. */
const STEP_MS = 1_000;
/** The value is never raised by more at once. */
const MOST_FACTOR = 1.5;

/** Counts the time for which the value is in use and free of trouble. */
export function prove(
  state: ConcurrencyState,
  { now, pressure }: LoadSignals,
  elapsed: number,
): ConcurrencyState {
  const { value, min, used, proven, raisedAt, clearSince } = state;
  const isClear = pressure !== null && now - clearSince >= CALM_MS && now - raisedAt >= RAISED_MS;
  const isInUse = value <= min || used >= IN_USE * value;
  if (!isClear || !isInUse || (proven && value * SAME < proven.value)) {
    return state;
  }
  const ms = proven && value <= proven.value * SAME ? proven.ms : 0;
  return {
    ...state,
    proven: {
      value: Math.max(value, ms > 0 ? (proven?.value ?? 0) : 0),
      ms: Math.min(MOST_PROOF_MS, ms + Math.min(elapsed, STEP_MS)),
    },
  };
}

/** Returns to the proven value once the signals are clear; `null` where there is none, or they are not. */
export function restore(
  state: ConcurrencyState,
  { now, pressure, errors }: LoadSignals,
  { max }: SlotBounds,
): ConcurrencyState | null {
  const { value, proven, clearSince, stretch, loweredAt, raisedAt, good } = state;
  if (!proven || proven.ms < PROOF_MS || value >= Math.min(max, proven.value)) {
    return null;
  }
  const clearMs = proven.ms >= MUCH_PROOF_MS ? CLEAR_MS : CLEAR_LITTLE_PROOF_MS;
  const isClear = pressure !== null && pressure < CALM_PRESSURE && errors === 0 && stretch < CALM_STRETCH;
  if (!isClear || now - Math.max(clearSince, loweredAt) < clearMs) {
    return null;
  }
  return {
    ...state,
    value: Math.min(max, proven.value, value * MOST_FACTOR),
    reason: 'raised: back to what was free of trouble',
    good: loweredAt > raisedAt ? value : good,
    raisedAt: now,
    raises: 0,
    ended: 0,
  };
}

/** Whether the value is one that was free of trouble for long: trouble is then hardly of its own making. */
export function isProven({ proven }: ConcurrencyState, value: number): boolean {
  return proven !== null && proven.ms >= PROOF_MS && value <= proven.value;
}

/** What is left of the proof when the value has to be lowered. */
export function disprove(
  { proven }: ConcurrencyState,
  value: number,
  byRaise: boolean,
  hasErrors: boolean,
): ConcurrencyState['proven'] {
  if (!proven || hasErrors) {
    return null;
  }
  return byRaise && value <= proven.value ? { value: proven.value * LESS, ms: proven.ms * LEFT } : proven;
}
