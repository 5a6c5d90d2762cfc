import type { EntityManager } from '@mikro-orm/core';
import { ramp } from '../backfill-throttle.js';
import type { BackfillThrottle, ThrottleOptions } from '../backfill-throttle.js';

const KEPT = 20;
/** With fewer measurements nothing is known. */
const LEAST = 5;
/** A baseline under this would make noise a pressure. */
const LEAST_BASELINE_MS = 1;

/**
 * What is measured, and how much slower it may become.
 *
 * @publicApi
 */
export interface ProbeLatencyOptions extends ThrottleOptions {
  /** A query as production makes it, such as the look-up of a row by its key. */
  readonly probe: (em: EntityManager) => Promise<unknown>;
  /** Milliseconds that it takes on a quiet day. Default: the lowest 95th percentile seen so far. */
  readonly baselineMs?: number;
  /** Multiple of the baseline from which on the rate comes down. Default 2. */
  readonly from?: number;
  /** Multiple of the baseline that holds. Default 6. */
  readonly to?: number;
}

/**
 * Slows down while a probe query takes longer than usual: the 95th percentile of its last twenty runs, one a
 * second, against a baseline.
 *
 * @publicApi
 */
export function probeLatency(options: ProbeLatencyOptions): BackfillThrottle {
  const { probe, baselineMs, from = 2, to = 6, ...rest } = options;
  ramp(0, from, to);
  const times: number[] = [];
  let lowest = Infinity;
  return {
    name: 'probe-latency',
    ...rest,
    measure: async ({ em }) => {
      const began = performance.now();
      await probe(em);
      times.push(performance.now() - began);
      if (times.length > KEPT) {
        times.shift();
      }
      if (times.length < LEAST) {
        return { pressure: 0, reason: 'probe latency not known yet' };
      }
      const sorted = times.toSorted((a, b) => a - b);
      const p95 = sorted[Math.ceil(sorted.length * 0.95) - 1] ?? 0;
      lowest = Math.min(lowest, p95);
      const baseline = Math.max(LEAST_BASELINE_MS, baselineMs ?? lowest);
      return {
        pressure: ramp(p95 / baseline, from, to),
        reason: `probe takes ${p95.toFixed(1)} ms (p95), ${(p95 / baseline).toFixed(1)} times its baseline`,
      };
    },
  };
}
