import type { EntityManager } from '@mikro-orm/core';
import type { BackfillThrottle, ThrottleOptions } from './backfill-throttle.js';
import { LatencyProbe } from './latency-probe.js';
import { perDatabase } from './per-database.js';
import { ProbeRunner } from './probe.runner.js';
import { thresholdThrottle } from './threshold-throttle.js';

const EVERY_MS = 200;

/**
 * Options of {@link probeLatency}.
 *
 * @publicApi
 */
export interface ProbeLatencyOptions extends ThrottleOptions {
  /** A query typical of the app, such as the look-up of a row by its primary key. */
  readonly probe: (em: EntityManager) => Promise<unknown>;
  /**
   * Milliseconds that the probe takes without load. Default: the lowest 95th percentile so far, smoothed; the
   * backfill is held for the first second to measure one.
   */
  readonly baselineMs?: number;
  /** Multiple of the baseline above which the rate is reduced. Default 2. */
  readonly from?: number;
  /** Multiple of the baseline at which the backfill is held. Default 6. */
  readonly to?: number;
  /** Milliseconds between two probes. Default 200. */
  readonly everyMs?: number;
  /**
   * Share of time, above 0 and up to 1, for which the probe may keep a connection busy: after a probe that takes 100 ms, the
   * next one begins 400 ms later with the default of 0.2.
   */
  readonly maxLoad?: number;
}

/**
 * Slows down while a probe query takes longer than usual: the 95th percentile of the last five seconds relative to a
 * baseline. The pressure follows a higher latency by half within a quarter of a second, and a lower one by a tenth each
 * second. Waiting for a connection of the app's pool does not count as latency. A probe that does not return within a second
 * counts as one of a second; one that throws is an error, see `onError`, until one succeeds.
 *
 * @example
 * ```ts
 * probeLatency({ probe: (em) => em.getConnection().execute('select 1 from account where id = 1') })
 * ```
 *
 * @throws RangeError unless `from` is below `to`, and `maxLoad` above 0 and at most 1
 * @publicApi
 */
export function probeLatency(options: ProbeLatencyOptions): BackfillThrottle {
  return perDatabase(() => latencyOfProbe(options));
}

function latencyOfProbe(options: ProbeLatencyOptions): BackfillThrottle {
  const { probe, baselineMs, maxLoad = 0.2, from = 2, to = 6, everyMs = EVERY_MS, ...rest } = options;
  if (!(maxLoad > 0 && maxLoad <= 1)) {
    throw new RangeError(`Expected the maxLoad of a probe to be above 0 and at most 1, got ${maxLoad}`);
  }
  const latency = new LatencyProbe({ from, to, maxLoad, everyMs, baselineMs });
  const runner = new ProbeRunner(probe);
  let failure: { readonly error: unknown } | null = null;
  const run = async (em: EntityManager): Promise<void> => {
    const startedAt = performance.now();
    try {
      const ended = await runner.run(em);
      failure = null;
      if (ended) {
        latency.add(ended.startedAt, ended.startedAt + ended.elapsedMs);
      }
    } catch (error) {
      latency.spend(startedAt, performance.now());
      failure = { error };
    }
  };
  const throttle = thresholdThrottle({
    ...rest,
    name: 'probe-latency',
    everyMs,
    throttleAt: from,
    stopAt: to,
    read: async ({ em }) => {
      if (latency.isDue(performance.now())) {
        await run(em);
      }
      // Until the next run succeeds: what was measured before is not how it is now.
      if (failure) {
        throw failure.error;
      }
      return latency.multiple(performance.now());
    },
    reason: () => latency.describe(),
  });
  return {
    ...throttle,
    measure: async (context) => {
      const measured = await throttle.measure(context);
      return latency.isKnown ? measured : { ...measured, unknown: true };
    },
  };
}
