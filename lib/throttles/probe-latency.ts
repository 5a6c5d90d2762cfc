import { setTimeout as sleep } from 'node:timers/promises';
import type { EntityManager } from '@mikro-orm/core';
import { ramp } from './backfill-throttle.js';
import type { BackfillThrottle, ThrottleOptions } from './backfill-throttle.js';

const KEPT = 20;
const AT_ONCE = 5;
/** A baseline under this would make noise a pressure. */
const LEAST_BASELINE_MS = 1;
/** So long is slow by any baseline. */
const PATIENCE_MS = 1_000;
/** The share of the way to what is measured: pressure comes quickly and goes slowly, so that it settles. */
const RISE = 0.5;
const EASE = 0.1;
const NEXT_TO_NOTHING = 0.02;

/**
 * What is measured, and how much slower it may become.
 *
 * @publicApi
 */
export interface ProbeLatencyOptions extends ThrottleOptions {
  /** A query as production makes it, such as the look-up of a row by its key. */
  readonly probe: (em: EntityManager) => Promise<unknown>;
  /**
   * Milliseconds that it takes on a quiet day. Default: the lowest 95th percentile seen; to see a first one, the
   * backfill is held for a second.
   */
  readonly baselineMs?: number;
  /** Multiple of the baseline from which on the rate comes down. Default 2. */
  readonly from?: number;
  /** Multiple of the baseline that holds. Default 6. */
  readonly to?: number;
}

/**
 * Slows down while a probe query takes longer than usual: the 95th percentile of its last twenty runs, five a
 * second, against a baseline. Each second pressure comes by half of the difference, or goes by a tenth.
 *
 * @publicApi
 */
export function probeLatency(options: ProbeLatencyOptions): BackfillThrottle {
  const { probe, baselineMs, from = 2, to = 6, ...rest } = options;
  ramp(0, from, to);
  const times: number[] = [];
  let lowest = Infinity;
  let pressure = 0;
  let asked = false;
  return {
    name: 'probe-latency',
    ...rest,
    measure: async ({ em }) => {
      const until = performance.now() + PATIENCE_MS / 2;
      if (!asked) {
        asked = true;
        // The price of a connection, beside ranges at full speed: no baseline.
        const first = await timed(probe(em));
        if (baselineMs === undefined) {
          return { pressure: 1, reason: 'a probe latency not known yet' };
        }
        if (performance.now() >= until) {
          times.push(first);
        }
      }
      for (let i = 0; i < AT_ONCE && performance.now() < until; i++) {
        times.push(await timed(probe(em)));
      }
      times.splice(0, times.length - KEPT);
      const sorted = times.toSorted((a, b) => a - b);
      const p95 = sorted[Math.ceil(sorted.length * 0.95) - 1] ?? 0;
      lowest = Math.min(lowest, p95);
      const multiple = p95 / Math.max(LEAST_BASELINE_MS, baselineMs ?? lowest);
      const measured = ramp(multiple, from, to);
      pressure += (measured - pressure) * (measured > pressure ? RISE : EASE);
      pressure = pressure < NEXT_TO_NOTHING ? 0 : pressure;
      return {
        pressure,
        reason: `probe takes ${p95.toFixed(1)} ms (p95), ${multiple.toFixed(1)} times its baseline`,
      };
    },
  };
}

/** The milliseconds that something takes, or has taken when patience ends. */
async function timed(work: Promise<unknown>): Promise<number> {
  const began = performance.now();
  await Promise.race([work, sleep(PATIENCE_MS, undefined, { ref: false })]);
  return performance.now() - began;
}
