import { LatencyProbe } from '../../../../lib/throttles/latency-probe.js';
import { noise, random } from './simulation.js';
import type { Answer, Plant } from './simulation.js';

/** A database that a run shares with a foreground: both wait for the same cores. */
export interface SharedCores {
  readonly cores: number;
  /** Cores that the foreground uses, at a number of seconds since the start. */
  readonly foreground: (seconds: number) => number;
  /** Moments in which the machine stands still, for 30 to 150 ms. */
  readonly stallsPerMinute?: number;
  /** What is measured: by a probe of its own, or which share of the foreground was slow in the last seconds, as a metric has it. */
  readonly signal: 'probe' | 'metric';
  /** At which the run is throttled, and held: multiples of the latency without load, or shares. */
  readonly from: number;
  readonly to: number;
  readonly everyMs?: number;
  readonly seed: number;
}

/** What the foreground has felt, by second. */
export interface Felt {
  readonly seconds: number;
  readonly latencyMs: number;
}

/** Windows of the metric of the foreground, which is the lower share of both. */
const METRIC_SECONDS = [4, 20];
/** A statement that takes longer is slow: one and a half times what it takes at most in 95 of 100 cases without a run. */
const SLOW_MS = 1.5 * 0.99;
const STEP_SECONDS = 0.25;
const STALL_MS = { least: 30, most: 150 };
/** What a statement of the foreground takes, and a range, on a core of its own. */
const STATEMENT_MS = 0.6;
const STATEMENT_DEVIATION = 0.3;
const RANGE_MS = 1;
/** The part of a slot that is measured: the rest is between two ranges. */
const MEASURED = 0.75;
/** Statements of the foreground that are drawn in a step. */
const DRAWN = 25;
/** A queue is no longer than this, as a share of the cores: the number of those that wait is bounded. */
const MOST_BUSY = 0.97;

/**
 * The cores as an M/M/k queue (Erlang C): a statement waits where all cores are busy. The run is one more user of them, and
 * can only use what the others leave; with more slots than that its own ranges wait for each other.
 */
export function sharedCores(system: SharedCores): { readonly plant: Plant; readonly felt: Felt[] } {
  const { cores, foreground, signal, from, to, seed, stallsPerMinute = 0 } = system;
  const next = random(seed);
  const felt: Felt[] = [];
  const throttle = signal === 'probe' ? probeOf(system) : metricOf(felt);
  let isHeld = false;
  const plant = (slots: number, seconds: number): Answer => {
    const free = cores - foreground(seconds);
    const used = isHeld ? 0 : Math.min(slots, free);
    const waiting = isHeld ? 0 : slots - used;
    const undisturbed = statement(cores, (used + foreground(seconds)) / cores, waiting, next);
    const stallMs =
      next() < (stallsPerMinute / 60) * STEP_SECONDS
        ? STALL_MS.least + next() * (STALL_MS.most - STALL_MS.least)
        : 0;
    const stalledShare = stallMs / 1000 / STEP_SECONDS;
    const draw = () => undisturbed() + (next() < stalledShare ? next() * stallMs : 0);
    const drawn = foreground(seconds) > 0 ? DRAWN : 0;
    for (let i = 0; i < drawn; i++) {
      felt.push({ seconds, latencyMs: draw() });
    }
    const multiple = throttle(seconds, draw);
    const pressure = multiple === null ? null : rounded((multiple - from) / (to - from));
    isHeld = pressure === null || pressure === 1;
    return {
      latencyMs: used > 0 ? (RANGE_MS * noise(next, 0.05) * slots) / used : null,
      perSecond: (1000 * used) / RANGE_MS,
      pressure,
      used: used > 0 ? slots * MEASURED : 0,
    };
  };
  return { plant, felt };
}

/** A pressure as it reaches the controller, in steps of a twentieth. */
function rounded(pressure: number): number {
  return Math.round(20 * Math.min(1, Math.max(0, pressure))) / 20;
}

/** The multiple that a throttle measures; `null` while it does not know it. */
type Throttle = (seconds: number, draw: () => number) => number | null;

function probeOf({ from, to, everyMs = 50 }: SharedCores): Throttle {
  const latency = new LatencyProbe({ from, to, everyMs, maxLoad: 0.2, baselineMs: undefined });
  let probedAt = 0;
  return (seconds, draw) => {
    const now = seconds * 1000;
    for (; probedAt <= now; probedAt += everyMs) {
      latency.add(probedAt, probedAt + draw());
    }
    const multiple = latency.multiple(now);
    return latency.isKnown ? multiple : null;
  };
}

function metricOf(felt: readonly Felt[]): Throttle {
  const share = (seconds: number, window: number) => {
    const first = felt.findLastIndex((each) => each.seconds < seconds - window) + 1;
    const recent = felt.slice(first);
    return recent.length === 0
      ? 0
      : recent.filter(({ latencyMs }) => latencyMs > SLOW_MS).length / recent.length;
  };
  return (seconds) => Math.min(...METRIC_SECONDS.map((window) => share(seconds, window)));
}

/** Draws the time of a statement. */
function statement(cores: number, load: number, waiting: number, next: () => number): () => number {
  const busy = Math.min(MOST_BUSY, load);
  const delayed = erlangC(cores, busy);
  const waitMs = RANGE_MS * (1 / (cores * (1 - busy)) + waiting / cores);
  return () =>
    STATEMENT_MS * noise(next, STATEMENT_DEVIATION) + (next() < delayed ? -waitMs * Math.log(1 - next()) : 0);
}

/** The probability that all servers of an M/M/k queue are busy. */
export function erlangC(servers: number, busy: number): number {
  let term = 1;
  let sum = 1;
  for (let i = 1; i < servers; i++) {
    term *= (servers * busy) / i;
    sum += term;
  }
  const last = (term * servers * busy) / servers / (1 - busy);
  return last / (sum + last);
}

/** The 95th percentile of what was felt between two times. */
export function p95(felt: readonly Felt[], from: number, to: number): number {
  const first = felt.findLastIndex(({ seconds }) => seconds < from) + 1;
  const sorted = felt
    .slice(first)
    .filter(({ seconds }) => seconds <= to)
    .map(({ latencyMs }) => latencyMs)
    .toSorted((a, b) => a - b);
  return sorted[Math.floor(sorted.length * 0.95)] ?? Number.NaN;
}
