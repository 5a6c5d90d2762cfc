import type { ConcurrencyState } from '../../state/concurrency-state.js';
import type { LoadSignals, SlotBounds } from './load-signals.js';

/** Time constants of the exponential smoothing. */
const SMOOTHING_MS = 700;
const TREND_MS = 5_000;
/** No pressure at all is hardly noise. */
const TREND_OF_NONE_MS = 2_000;
const PEAK_MS = 4_000;
/** The floor is the lowest latency over this: a few fast ranges are no floor. */
const FLOOR_SMOOTHING_MS = 3_000;
/** At the minimum the floor follows the latency: what others cause there is no load of the run. */
const FLOOR_RISE_MS = 10_000;
/** Pressure below this does not keep the value from being raised. */
export const CALM_PRESSURE = 0.1;
/** The pressure that holds a run. */
export const HELD = 1;
/** Up to this part of the minimum, a run is at its minimum. */
const NEAR_MIN = 1.05;

/** Takes the signals into the state: smooths them, and learns the floor of the latency. */
export function observe(
  state: ConcurrencyState,
  { now, latencyMs, ended, used, pressure }: LoadSignals,
  { min }: SlotBounds,
): ConcurrencyState {
  const elapsed = Math.max(0, now - state.at);
  const weight = weightOf(elapsed, SMOOTHING_MS);
  return {
    ...state,
    at: now,
    ...(pressure === null ? {} : observePressure(state, pressure, elapsed)),
    // Where nothing at all is used, as while the run is held, nothing says what it would use.
    used:
      used > 0 && pressure !== null && pressure < HELD
        ? state.used + weight * (used - state.used)
        : state.used,
    ended: state.ended + ended,
    clearSince: pressure !== null && pressure < CALM_PRESSURE ? state.clearSince : now,
    ...(latencyMs === null ? {} : observeLatency(state, latencyMs, elapsed, state.value <= min * NEAR_MIN)),
  };
}

function observePressure(
  { pressure, pressureTrend, pressurePeak }: ConcurrencyState,
  latest: number,
  elapsed: number,
): Pick<ConcurrencyState, 'pressure' | 'pressureTrend' | 'pressurePeak'> {
  return {
    pressure: pressure + weightOf(elapsed, SMOOTHING_MS) * (latest - pressure),
    pressureTrend:
      pressureTrend + weightOf(elapsed, latest > 0 ? TREND_MS : TREND_OF_NONE_MS) * (latest - pressureTrend),
    pressurePeak: Math.max(latest, pressurePeak + weightOf(elapsed, PEAK_MS) * (latest - pressurePeak)),
  };
}

function observeLatency(
  { floorMs, latencyMs, stretch }: ConcurrencyState,
  latest: number,
  elapsed: number,
  isAtMin: boolean,
): Pick<ConcurrencyState, 'floorMs' | 'latencyMs' | 'stretch'> {
  const smoothed =
    latencyMs === null ? latest : latencyMs + weightOf(elapsed, FLOOR_SMOOTHING_MS) * (latest - latencyMs);
  const floor = floorMs ?? smoothed;
  const rise = isAtMin ? weightOf(elapsed, FLOOR_RISE_MS) * Math.max(0, smoothed - floor) : 0;
  const nextFloor = Math.min(smoothed, floor) + rise;
  return {
    floorMs: nextFloor,
    latencyMs: smoothed,
    stretch: stretch + weightOf(elapsed, SMOOTHING_MS) * (latest / nextFloor - stretch),
  };
}

function weightOf(elapsed: number, timeConstant: number): number {
  return 1 - Math.exp(-elapsed / timeConstant);
}
