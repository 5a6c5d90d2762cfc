import type { ConcurrencyState } from '../../state/concurrency-state.js';
import type { LoadSignals, SlotBounds } from './load-signals.js';
import type { Trouble } from './trouble.js';

/** A value of which less is used is not what limits the run. */
const IN_USE = 0.6;
/** A raise waits until so many ranges have ended with the value before it, or as many as run at once. */
const EVIDENCE = 5;
/** A ceiling is forgotten after this. */
const CEILING_MS = 300_000;
/** Below this part of the ceiling, or without one, the value is raised quickly (slow start). */
const FAR = 0.5;
/** From this part of the ceiling on, each raise is a small step that waits. */
const NEAR = 0.9;

/** Signals below these are no noise of an optimum. */
const HEADROOM_PRESSURE = 0.04;
const HEADROOM_STRETCH = 1.25;

/** Unrest takes back this multiple of its duration from the time of calm that a raise waits for: noise does not reset it. */
const UNREST = 3;

/** How a raise is done: by which factor, and after how long without trouble. */
interface Step {
  readonly factor: number;
  readonly dwellMs: number;
}

const QUICK: Step = { factor: 1.5, dwellMs: 1_500 };
const APPROACH_MS = 3_000;
const APPROACH = 1 / 3;
/** At the ceiling and beyond it, by the number of raises since the last trouble. */
const PROBES: readonly [Step, ...Step[]] = [
  { factor: 1.05, dwellMs: 8_000 },
  { factor: 1.06, dwellMs: 5_000 },
  { factor: 1.08, dwellMs: 4_000 },
  { factor: 1.15, dwellMs: 3_000 },
  { factor: 1.35, dwellMs: 3_000 },
];

/** Below the minimum, where the run does little work, each of these waits for this part of it. */
const BELOW_MIN = 0.5;

/** Increases the value where nothing is wrong and the run needs it. */
export function raise(
  before: ConcurrencyState,
  { now }: LoadSignals,
  { max }: SlotBounds,
  { calm, reason }: Trouble,
  elapsed: number,
): ConcurrencyState {
  if (!calm) {
    const calmSince = Math.min(now, before.calmSince + UNREST * elapsed);
    return { ...before, calmSince, reason: `steady: ${reason}` };
  }
  const ceiling = before.ceiling && now - before.ceiling.at < CEILING_MS ? before.ceiling : null;
  const state = { ...before, ceiling };
  if (state.value >= max) {
    return { ...state, reason: 'at its maximum' };
  }
  // Below the minimum, slots rest most of the time.
  if (state.value > state.min && state.used < IN_USE * state.value) {
    return { ...state, reason: 'steady: not all of it is used' };
  }
  const { factor, dwellMs } = stepOf(state);
  const quietSince = Math.max(state.calmSince, state.raisedAt, state.loweredAt);
  if (now - quietSince < dwellMs || state.ended < evidenceOf(state)) {
    return state;
  }
  return {
    ...state,
    value: Math.min(max, state.value * factor),
    reason: `raised: ${reason}`,
    good: state.value,
    raisedAt: now,
    raises: isNear(state) && hasHeadroom(state) ? state.raises + 1 : 0,
    ended: 0,
  };
}

function evidenceOf({ value, min }: ConcurrencyState): number {
  return value < min ? 1 : Math.max(EVIDENCE, value);
}

function stepOf(state: ConcurrencyState): Step {
  const { value, min, ceiling, raises } = state;
  if (!ceiling || value < FAR * ceiling.value) {
    return QUICK;
  }
  if (!isNear(state)) {
    return { factor: 1 + APPROACH * (ceiling.value / value - 1), dwellMs: APPROACH_MS };
  }
  const { factor, dwellMs } = PROBES[Math.min(raises, PROBES.length - 1)] ?? PROBES[0];
  return value < min ? { factor, dwellMs: dwellMs * BELOW_MIN } : { factor, dwellMs };
}

/** Whether the signals are far from trouble, and not only below it: at an optimum, noise is taken for calm now and then. */
function hasHeadroom({ pressureTrend, stretch }: ConcurrencyState): boolean {
  return pressureTrend < HEADROOM_PRESSURE && stretch < HEADROOM_STRETCH;
}

function isNear({ value, ceiling }: ConcurrencyState): boolean {
  return ceiling !== null && value >= NEAR * ceiling.value;
}
