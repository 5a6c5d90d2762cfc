import type { BenchArena } from './bench-arena.js';

/** One line of what a benchmark found; its array is what `--json` writes. */
export interface Finding {
  readonly name: string;
  readonly ours: number;
  /** What ours is beside; `null` where the target stands for itself. */
  readonly other: number | null;
  readonly unit: string;
  /** Ours to the other, as the target means it. */
  readonly ratio: number | null;
  /** The target in words. */
  readonly target: string;
  readonly met: boolean;
  /** Largest distance of a round from the median, as a share of it. */
  readonly spread: number | null;
  /** What else was seen. */
  readonly note?: string;
}

/** One comparison of the table. */
export interface Benchmark {
  readonly name: string;
  /** What stands beside ours. */
  readonly beside: string;
  /** Runs only where it is named, and in the smoke size. */
  readonly apart?: boolean;
  /** More of `postgresql.conf`. */
  readonly settings?: Record<string, string | number | boolean>;
  run(arena: BenchArena): Promise<Finding[]>;
}
