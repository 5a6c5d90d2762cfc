import { BenchArena } from './bench-arena.js';
import type { Benchmark, Finding } from './benchmark.js';
import { stolenShare } from './stolen-share.js';

export interface Measurement {
  readonly findings: Finding[];
  /** How long it took, and what disturbed it. */
  readonly took: string;
}

/**
 * Runs a benchmark once, on servers of its own.
 *
 * @param build folder where the library under test is installed; default: `dist`
 */
export async function measure(benchmark: Benchmark, smoke: boolean, build?: URL): Promise<Measurement> {
  const from = performance.now();
  const stolen = stolenShare();
  const arena = await BenchArena.open(smoke, benchmark.settings, build);
  try {
    const findings = await benchmark.run(arena);
    const seconds = ((performance.now() - from) / 1000).toFixed(0);
    return { findings, took: `${seconds} s${stolen()}` };
  } finally {
    await arena.close();
  }
}
