import type { ConcurrencyState } from '../../state/concurrency-state.js';
import type { LoadSignals } from './load-signals.js';
import { CALM_PRESSURE, HELD } from './observe.js';

/** From this pressure on the value is lowered. */
const HIGH_PRESSURE = 0.25;
/** The same for the ratio of the latency to its floor. */
export const CALM_STRETCH = 1.5;
const HIGH_STRETCH = 2;
/** The ratio at which latency counts as the worst trouble. */
const WORST_STRETCH = 6;

/** What is wrong, if anything. */
export interface Trouble {
  /** 0: nothing that lowers the value; up to 1. */
  readonly severity: number;
  /** Whether the value may be raised. */
  readonly calm: boolean;
  /** Whether others than the run say so; its own latency is that of its minimum in the end. */
  readonly external: boolean;
  readonly reason: string;
}

/** Judges the smoothed signals. */
export function assess(
  { pressure, pressureTrend, stretch }: ConcurrencyState,
  { errors, pressure: measured, pressureReason }: LoadSignals,
): Trouble {
  const latest = measured ?? 0;
  const calm =
    measured !== null &&
    Math.max(pressure, pressureTrend, latest) < CALM_PRESSURE &&
    stretch < CALM_STRETCH &&
    errors === 0;
  const latency = `a row takes ${stretch.toFixed(1)} times as long as without load`;
  if (errors > 0) {
    return {
      severity: 1,
      calm,
      external: false,
      reason: 'timeouts, or failures to get a lock or a connection',
    };
  }
  // Smoothed, it says whether there is trouble, unless that is over; how bad it is, the latest says sooner.
  const isHeld = latest >= HELD;
  const isPressed = isHeld || ((pressure + pressureTrend) / 2 >= HIGH_PRESSURE && latest >= CALM_PRESSURE);
  const byPressure = isPressed
    ? severityOf(isHeld ? 1 : (pressure + Math.max(pressure, latest)) / 2, HIGH_PRESSURE, 1)
    : 0;
  const byLatency = severityOf(stretch, HIGH_STRETCH, WORST_STRETCH);
  if (byPressure >= byLatency && byPressure > 0) {
    return { severity: byPressure, calm, external: true, reason: pressureReason };
  }
  if (byLatency > 0) {
    return { severity: byLatency, calm, external: false, reason: latency };
  }
  return {
    severity: 0,
    calm,
    external: false,
    reason: pendingReason(Math.max(pressure, pressureTrend), measured, pressureReason) ?? latency,
  };
}

/** Why a throttle keeps the value from being raised; `null` where none does. */
function pendingReason(smoothed: number, measured: number | null, reason: string): string | null {
  if (measured === null || measured >= CALM_PRESSURE) {
    return reason;
  }
  return smoothed < CALM_PRESSURE ? null : 'the pressure of the throttles has just fallen';
}

/** Above 0 as soon as the signal is high. */
function severityOf(value: number, high: number, worst: number): number {
  return value < high ? 0 : Math.min(1, Math.max(0.01, (value - high) / (worst - high)));
}
