import { mean, median } from '../statistics.js';
import type { Measured, TracePoint } from './foreground-arena.js';
import { p95Of, stretchOf } from './latency.js';
import type { Kind, Latency } from './latency.js';

/** After a change of the foreground, its p95 is that of so many seconds: one second has a few dozen requests. */
export const WINDOW_SECONDS = 3;

/** What was measured one soon after the other. */
export interface ForegroundRound {
  /** The foreground alone. */
  readonly quiet: Latency;
  /** Twice as many requests alone. */
  readonly quietDoubled: Latency;
  /** In the order of the settings; `null`: not measured in this round. */
  readonly fixed: readonly (Measured | null)[];
  /** The run that finds its concurrency, each second. */
  readonly adaptive: readonly TracePoint[];
  /** The seconds after that, with twice as many requests. */
  readonly doubled: readonly TracePoint[];
}

/** Medians of the rounds that measured it. */
export interface Compared extends Measured {
  /** Multiples of the foreground alone in the same round. */
  readonly stretch: number;
}

export function compared(
  rounds: readonly ForegroundRound[],
  of: (round: ForegroundRound) => Measured | null,
): Compared {
  const measured = rounds.flatMap((round) => {
    const found = of(round);
    return found ? [{ round, ...found }] : [];
  });
  return {
    latency: medianOf(measured.map(({ latency }) => latency)),
    rowsPerSecond: median(measured.map(({ rowsPerSecond }) => rowsPerSecond)),
    stretch: median(measured.map(({ round, latency }) => stretchOf(latency, round.quiet))),
  };
}

/** In each second after the foreground has doubled. */
export function stretchesDoubled({ quiet, quietDoubled, doubled }: ForegroundRound): number[] {
  // A service level is one time, however many requests there are; where more of them alone already take longer, it is of these.
  const usual = {
    read: Math.max(quiet.read, quietDoubled.read),
    update: Math.max(quiet.update, quietDoubled.update),
  };
  return doubled
    .slice(0, 1 - WINDOW_SECONDS)
    .map((_, i) => stretchOf(summaryOf(doubled.slice(i, i + WINDOW_SECONDS)).latency, usual));
}

export function summaryOf(points: readonly TracePoint[]): Measured {
  return {
    latency: p95Of(points.map(({ times: ofPoint }) => ofPoint)),
    rowsPerSecond: mean(points.map(({ rowsPerSecond }) => rowsPerSecond)),
  };
}

export function medianOf(latencies: readonly Latency[]): Latency {
  const of = (kind: Kind) => median(latencies.map((latency) => latency[kind]));
  return { read: of('read'), update: of('update') };
}
