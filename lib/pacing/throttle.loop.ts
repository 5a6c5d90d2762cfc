import { Logger } from '@nestjs/common';
import { LogOnce } from '../async/log-once.js';
import { sleep } from '../async/sleep.js';
import type { HandledBackfill } from '../handlers/registered-backfill.js';
import type { BackfillThrottle } from '../throttles/backfill-throttle.js';
import { pauseAfter, reportExpiry, throttleInterval } from './poll-interval.js';
import type { PressureReporter } from './pressure.reporter.js';
import type { ThrottleEvaluator } from './throttle.evaluator.js';

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

/** Measures one throttle of a run at its interval and reports the pressure, until it is ended. */
export class ThrottleLoop {
  private readonly log = new LogOnce(new Logger('Backfill'));
  private readonly everyMs: number;

  /** @param reporter name under which the throttle reports */
  constructor(
    private readonly throttle: BackfillThrottle,
    readonly reporter: string,
    private readonly run: PolledRun,
    private readonly deps: ThrottleLoopDeps,
  ) {
    this.everyMs = throttleInterval(throttle);
  }

  /** Does not reject. Once the signal is aborted, the result of a measurement that has begun is ignored. */
  async start(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      const startedAt = performance.now();
      try {
        await this.measure(signal);
        this.log.recover();
      } catch (error) {
        this.log.warn(`[${this.run.backfill.name}] The pressure cannot be reported: ${String(error)}`);
      }
      await sleep(pauseAfter(performance.now() - startedAt, this.everyMs), signal);
    }
  }

  private async measure(signal: AbortSignal): Promise<void> {
    const { reporter } = this;
    const { backfill, runId } = this.run;
    const measured = await this.deps.evaluator.measure(this.throttle, reporter, backfill.name, runId);
    if (!signal.aborted) {
      const expiryMs = reportExpiry(this.everyMs);
      await this.deps.reporter.reportAndApply(backfill, runId, { reporter, ...measured, expiryMs });
    }
  }
}
