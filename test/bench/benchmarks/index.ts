import type { Benchmark } from '../benchmark.js';
import { noop } from './noop.bench.js';

/** All benchmarks, in the order of the issue. */
export const benchmarks: readonly Benchmark[] = [noop];
