import { initialConcurrency } from '../../../../lib/pacing/concurrency/initial-concurrency.js';
import type { LoadSignals, SlotBounds } from '../../../../lib/pacing/concurrency/load-signals.js';
import { nextConcurrency } from '../../../../lib/pacing/concurrency/next-concurrency.js';

const STEP_MS = 250;

/** What a system answers when a run uses so many slots at once in each process. */
export interface Answer {
  readonly latencyMs: number | null;
  /** Ranges that end in a second. */
  readonly perSecond: number;
  readonly pressure?: number | null;
  readonly errors?: number;
  /** Slots that are used; default: all. */
  readonly used?: number;
  readonly processes?: number;
}

/** The system that a run loads, at a number of seconds since the start. */
export type Plant = (slots: number, seconds: number) => Answer;

export interface Point {
  readonly seconds: number;
  readonly value: number;
  readonly reason: string;
}

/** Runs the controller against a system, and answers its value over time. */
export function simulate(plant: Plant, seconds: number, bounds: SlotBounds = { min: 1, max: 32 }): Point[] {
  let state = initialConcurrency(bounds, 0);
  const points: Point[] = [];
  for (let now = STEP_MS; now <= seconds * 1000; now += STEP_MS) {
    const answer = plant(state.value, now / 1000);
    const signals: LoadSignals = {
      now,
      latencyMs: answer.latencyMs,
      ended: (answer.perSecond * STEP_MS) / 1000,
      used: answer.used ?? state.value,
      processes: answer.processes ?? 1,
      pressure: answer.pressure === undefined ? 0 : answer.pressure,
      pressureReason: 'a probe is slow',
      errors: answer.errors ?? 0,
    };
    state = nextConcurrency(state, signals, bounds);
    points.push({ seconds: now / 1000, value: state.value, reason: state.reason });
  }
  return points;
}

/** Values between two times. */
export function between(points: readonly Point[], from: number, to: number): number[] {
  return points.filter(({ seconds }) => seconds >= from && seconds <= to).map(({ value }) => value);
}

/** Half of the distance between the extremes, relative to the mean. */
export function amplitude(values: readonly number[]): number {
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
  return (Math.max(...values) - Math.min(...values)) / 2 / mean;
}

/** Half of the distance between the values below which 5 and 95 of 100 are, relative to the mean. */
export function swing(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const at = (share: number) => sorted[Math.round((sorted.length - 1) * share)] ?? Number.NaN;
  return amplitude([at(0.05), at(0.95)]);
}

/** A generator of numbers from 0 to 1 that repeats itself for a seed (mulberry32). */
export function random(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}

/** A factor around 1 with this standard deviation of its logarithm. */
export function noise(next: () => number, deviation: number): number {
  const normal = Math.sqrt(-2 * Math.log(1 - next())) * Math.cos(2 * Math.PI * next());
  return Math.exp(deviation * normal);
}

export interface Database {
  /** Slots that it serves without a queue. */
  readonly capacity: number | ((seconds: number) => number);
  readonly baseMs?: number | ((seconds: number) => number);
  /** Deviation of the logarithm of each signal. */
  readonly deviation?: number;
  readonly seed?: number;
  /** The slots from which a probe is slow, and those at which it holds the run. Default: no probe. */
  readonly probe?: (seconds: number) => { readonly from: number; readonly to: number };
  /** The probe is a quantile over this window. */
  readonly windowMs?: number;
}

/** A database that serves so many slots at full speed; with more, all wait for each other. */
export function database({
  capacity,
  baseMs = 40,
  deviation = 0,
  seed = 1,
  probe,
  windowMs = 2_000,
}: Database): Plant {
  const next = random(seed);
  const probes: number[] = [];
  const at = (value: number | ((seconds: number) => number), seconds: number) =>
    typeof value === 'number' ? value : value(seconds);
  return (slots, seconds) => {
    const stretch = Math.max(1, slots / at(capacity, seconds));
    const base = at(baseMs, seconds);
    const latencyMs = base * stretch * noise(next, deviation);
    if (probe) {
      probes.push(slots * noise(next, deviation));
      probes.splice(0, probes.length - windowMs / STEP_MS);
    }
    const { from, to } = probe?.(seconds) ?? { from: 1, to: 2 };
    const quantile = probes.toSorted((a, b) => a - b)[Math.ceil(probes.length * 0.75) - 1] ?? 0;
    return {
      latencyMs,
      perSecond: (1000 / (base * stretch)) * slots,
      pressure: Math.min(1, Math.max(0, (quantile - from) / (to - from))),
    };
  };
}
