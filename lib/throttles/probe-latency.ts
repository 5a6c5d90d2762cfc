import type { EntityManager } from '@mikro-orm/core';
import { endsWithin } from '../async/timeout.js';
import type { BackfillThrottle, ThrottleOptions } from './backfill-throttle.js';
import { ramp } from './threshold-throttle.js';

/** The percentile is taken over this many probes. */
const SAMPLE_SIZE = 20;
const PROBES_PER_MEASUREMENT = 5;
/** With a smaller baseline, noise would count as pressure. */
const MIN_BASELINE_MS = 1;
/** A probe is measured for no longer than this: it is slow by any baseline. */
const PROBE_TIMEOUT_MS = 1_000;
const MEASUREMENT_MS = 500;
/** Exponential smoothing, faster up than down, so that the pressure settles instead of oscillating. */
const RISE = 0.5;
const FALL = 0.1;
const NEGLIGIBLE = 0.02;

/**
 * Options of {@link probeLatency}.
 *
 * @publicApi
 */
export interface ProbeLatencyOptions extends ThrottleOptions {
  /** A query typical of the app, such as the look-up of a row by its primary key. */
  readonly probe: (em: EntityManager) => Promise<unknown>;
  /**
   * Milliseconds that the probe takes without load. Default: the lowest 95th percentile measured so far; the
   * backfill is held for the first second to measure one.
   */
  readonly baselineMs?: number;
  /** Multiple of the baseline above which the rate is reduced. Default 2. */
  readonly from?: number;
  /** Multiple of the baseline at which the backfill is held. Default 6. */
  readonly to?: number;
}

/**
 * Slows down while a probe query takes longer than usual: the 95th percentile of its last 20 runs, five a second,
 * relative to a baseline. Each second the pressure rises by half of the difference to the measured one, or falls
 * by a tenth of it.
 *
 * @example
 * ```ts
 * probeLatency({ probe: (em) => em.getConnection().execute('select 1 from account where id = 1') })
 * ```
 *
 * @throws RangeError unless `from` is below `to`
 * @publicApi
 */
export function probeLatency(options: ProbeLatencyOptions): BackfillThrottle {
  const { probe, baselineMs, from, to, ...rest } = options;
  const toPressure = ramp({ from, to }, { from: 2, to: 6 });
  const samples: number[] = [];
  let lowest = Infinity;
  let pressure = 0;
  let connected = false;
  return {
    name: 'probe-latency',
    ...rest,
    measure: async ({ em }) => {
      const until = performance.now() + MEASUREMENT_MS;
      if (!connected) {
        connected = true;
        // The first probe opens a connection while ranges run at full speed: not a baseline.
        const first = await elapsedMs(probe(em));
        if (baselineMs === undefined) {
          return { pressure: 1, reason: 'a probe latency that is not known yet' };
        }
        if (performance.now() >= until) {
          samples.push(first);
        }
      }
      for (let i = 0; i < PROBES_PER_MEASUREMENT && performance.now() < until; i++) {
        samples.push(await elapsedMs(probe(em)));
      }
      samples.splice(0, samples.length - SAMPLE_SIZE);
      const p95 = percentile95(samples);
      lowest = Math.min(lowest, p95);
      const multiple = p95 / Math.max(MIN_BASELINE_MS, baselineMs ?? lowest);
      const measured = toPressure(multiple);
      pressure += (measured - pressure) * (measured > pressure ? RISE : FALL);
      pressure = pressure < NEGLIGIBLE ? 0 : pressure;
      return {
        pressure,
        reason: `probe takes ${p95.toFixed(1)} ms (p95), ${multiple.toFixed(1)} times its baseline`,
      };
    },
  };
}

/** Milliseconds until the probe ends, or until its timeout. */
async function elapsedMs(probe: Promise<unknown>): Promise<number> {
  const start = performance.now();
  await endsWithin(probe, PROBE_TIMEOUT_MS);
  return performance.now() - start;
}

function percentile95(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.ceil(sorted.length * 0.95) - 1] ?? 0;
}
