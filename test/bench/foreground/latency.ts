import { quantile } from '../statistics.js';

export const KINDS = ['read', 'update'] as const;

export type Kind = (typeof KINDS)[number];

/** 95th percentiles in ms. */
export type Latency = Readonly<Record<Kind, number>>;

/** A request of the foreground. */
export interface Timed {
  readonly kind: Kind;
  /** By `performance.now()`. */
  readonly endedAt: number;
  readonly ms: number;
}

/** What each request of some time took, in ms. */
export type Times = Readonly<Record<Kind, readonly number[]>>;

/** Over all of these times. */
export function p95Of(times: readonly Times[]): Latency {
  const p95 = (kind: Kind) =>
    quantile(
      times.flatMap((each) => each[kind]),
      0.95,
    );
  return { read: p95('read'), update: p95('update') };
}

/** The worse of both, in multiples of what it is without a backfill. */
export function stretchOf(latency: Latency, quiet: Latency): number {
  return Math.max(...KINDS.map((kind) => latency[kind] / quiet[kind]));
}

export function times(latency: Latency, factor: number): Latency {
  return { read: latency.read * factor, update: latency.update * factor };
}

export function meanOf(one: Latency, other: Latency): Latency {
  return { read: (one.read + other.read) / 2, update: (one.update + other.update) / 2 };
}
