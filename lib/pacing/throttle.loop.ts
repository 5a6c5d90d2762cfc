import { Logger } from '@nestjs/common';
import { LogOnce } from '../async/log-once.js';
import { sleep } from '../async/sleep.js';
import type { HandledBackfill } from '../handlers/registered-backfill.js';
import type { BackfillThrottle, ThrottlePressure } from '../throttles/backfill-throttle.js';
import { pauseAfter, reportExpiry, throttleInterval } from './poll-interval.js';
import type { PressureReporter } from './pressure.reporter.js';
import type { MeasuredThrottle, ThrottleEvaluator } from './throttle.evaluator.js';

/** A run whose throttles are measured. */
export interface PolledRun {
  readonly backfill: HandledBackfill;
  readonly runId: string;
}

/** What measures a throttle, and what shares the result. */
export interface ThrottleLoopDeps {
  readonly evaluator: ThrottleEvaluator;
  readonly reporter: PressureReporter;
}

/**
 * A pressure is reported again after so many ms without a measurement: it then follows an override, and outlasts what processes of
 * earlier versions do to reports that are older than five seconds.
 */
const RENEW_MS = 1_000;

/** Measures one throttle of a run at its interval and reports the pressure, until it is ended. */
export class ThrottleLoop {
  private readonly log = new LogOnce(new Logger('Backfill'));
  private readonly everyMs: number;
  private readonly measured: MeasuredThrottle;

  /** @param reporter name under which the throttle reports */
  constructor(
    throttle: BackfillThrottle,
    readonly reporter: string,
    private readonly run: PolledRun,
    private readonly deps: ThrottleLoopDeps,
  ) {
    this.everyMs = throttleInterval(throttle);
    this.measured = {
      throttle,
      id: reporter,
      backfill: run.backfill.name,
      contextName: run.backfill.contextName,
      runId: run.runId,
      log: new LogOnce(new Logger('Backfill')),
      latest: null,
    };
  }

  /** Does not reject. Once the signal is aborted, the result of a measurement that has begun is ignored. */
  async start(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      const startedAt = performance.now();
      const pressure = await this.deps.evaluator
        .measure(this.measured, signal)
        .catch((error: unknown) => this.warn(error, signal));
      const isReported = pressure !== null && (await this.report(pressure, signal));
      const ms = pauseAfter(performance.now() - startedAt, this.everyMs);
      await this.pause(ms, pressure, isReported, signal);
    }
  }

  /** Waits for the next measurement, and renews the report of the last one meanwhile. */
  private async pause(
    ms: number,
    pressure: ThrottlePressure | null,
    isReported: boolean,
    signal: AbortSignal,
  ): Promise<void> {
    const until = performance.now() + ms;
    let isKnown = isReported;
    for (let left = ms; left > 0 && !signal.aborted; left = until - performance.now()) {
      await sleep(Math.min(left, RENEW_MS), signal);
      // A report of no pressure deletes the one before it, once.
      if (left > RENEW_MS && pressure && (pressure.pressure > 0 || !isKnown)) {
        isKnown = await this.report(pressure, signal);
      }
    }
  }

  /** Whether the report was stored: it is not while Redis does not answer. */
  private async report(pressure: ThrottlePressure, signal: AbortSignal): Promise<boolean> {
    if (signal.aborted) {
      return false;
    }
    const report = { reporter: this.reporter, ...pressure, expiryMs: reportExpiry(this.everyMs) };
    try {
      await this.deps.reporter.reportAndApply(this.run.backfill, this.run.runId, report);
      this.log.recover();
      return true;
    } catch (error) {
      this.warn(error, signal);
      return false;
    }
  }

  private warn(error: unknown, signal: AbortSignal): null {
    if (!signal.aborted) {
      this.log.warn(`[${this.run.backfill.name}] The pressure cannot be reported: ${String(error)}`);
    }
    return null;
  }
}
