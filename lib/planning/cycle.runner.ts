import { nounFor } from '../errors/count-of.js';
import { Injectable } from '@nestjs/common';
import type { BackfillConfig } from '../config/backfill-config.js';
import { ConfigStore } from '../config/config.store.js';
import { classifyError } from '../database/classify-error.js';
import { BackfillConfigError } from '../errors/backfill-config.error.js';
import { BackfillSourceError } from '../errors/backfill-source.error.js';
import { BackfillRegistry } from '../handlers/backfill.registry.js';
import { BackfillLogger } from '../logging/backfill.logger.js';
import { currentRate, nextPeakChange } from '../pacing/peak-hours.js';
import { RateController } from '../pacing/rate.controller.js';
import type { CycleJob } from '../queues/cycle.queues.js';
import { RedisClock } from '../redis/redis.clock.js';
import { isLimited } from '../state/canary.js';
import { RangeStore } from '../state/range.store.js';
import { roundedRate } from '../state/pace.js';
import { RunStore } from '../state/run.store.js';
import { throughput, SampleStore } from '../state/sample.store.js';
import { toStoredError } from '../state/stored-error.js';
import { WorkerHeartbeats } from '../state/worker.heartbeats.js';
import { RunBreaker } from '../supervision/run.breaker.js';
import { RunChecker } from '../supervision/run.checker.js';
import { BatchTuner } from './batch.tuner.js';
import { CanaryPlanner } from './canary.planner.js';
import { PlanningTimeoutError } from './planning-timeout.error.js';
import { RangePlanner } from './range.planner.js';
import type { CycleReport, CycleRequest } from './range.planner.js';
import { VerificationPlanner } from './verification.planner.js';

/** The next cycle runs after this at the latest, whatever the window. */
const MAX_INTERVAL_MS = 30_000;
const SOON_MS = 20;
const RETRY_MS = 2_000;
const RETRY_UNREACHABLE_MS = 5_000;
const MEASURED_OVER_MS = 30_000;

/** Runs one cycle of a run: applies the rate, plans ranges, and schedules the next cycle. */
@Injectable()
export class CycleRunner {
  private readonly logger = new BackfillLogger();

  constructor(
    private readonly registry: BackfillRegistry,
    private readonly runs: RunStore,
    private readonly configs: ConfigStore,
    private readonly rangeStore: RangeStore,
    private readonly samples: SampleStore,
    private readonly heartbeats: WorkerHeartbeats,
    private readonly clock: RedisClock,
    private readonly rateController: RateController,
    private readonly planner: RangePlanner,
    private readonly verifications: VerificationPlanner,
    private readonly canaries: CanaryPlanner,
    private readonly breaker: RunBreaker,
    private readonly tuner: BatchTuner,
    private readonly checker: RunChecker,
  ) {}

  /** Returns the ms until the next cycle, or `null` when this one adds no next cycle. */
  async run(job: CycleJob, signal: AbortSignal): Promise<number | null> {
    const declared = this.registry.find(job.backfill);
    const run = declared && (await this.runs.read(job.run));
    if (!run || run.status !== 'running' || run.cycle !== job.cycle) {
      return null;
    }
    try {
      const binding = await this.checker.bind(declared, run);
      if ('refusal' in binding) {
        // The watchdog queues the cycle again, for a process with the handler of the run.
        return null;
      }
      const { backfill } = binding;
      const { config, version } = await this.configs.read(job.backfill, backfill.defaults);
      const now = await this.clock.now();
      await this.rateController.apply(job.backfill, job.run, config, now);
      const measured = throughput(await this.samples.newest(job.run, 60), MEASURED_OVER_MS).ranges;
      const request: CycleRequest = {
        backfill,
        run,
        config: { ...config, batchSize: await this.tuner.batchSize(job.run, config) },
        now,
        workers: (await this.heartbeats.workers(job.backfill, now)).length,
        measuredPerSecond: measured > 0 ? measured : null,
        signal,
      };
      const report = await this.plan(request);
      const waitMs = report.current
        ? await this.rangeStore.endCycle(
            job.run,
            job.cycle,
            report.target,
            Math.min(MAX_INTERVAL_MS, (config.duration * 1000) / 2, msUntilRateChange(config, now)),
            SOON_MS,
            version,
          )
        : null;
      this.logReport(job, report, currentRate(config, now), waitMs);
      return waitMs;
    } catch (error) {
      await this.handleError(job, error, signal.aborted);
      return null;
    }
  }

  /** A canary has its verdict before a verification begins. */
  private async plan(request: CycleRequest): Promise<CycleReport> {
    const { canary, verification } = request.run;
    if (isLimited(canary)) {
      return this.canaries.plan(request, canary);
    }
    return verification ? this.verifications.plan(request, verification) : this.planner.plan(request);
  }

  /** @param aborted whether the process shuts down, which is no error of the run */
  private async handleError(
    { backfill, run, cycle }: CycleJob,
    error: unknown,
    aborted: boolean,
  ): Promise<void> {
    if (await this.breaker.pauseIfOutOfMemory(backfill, run, error)) {
      return;
    }
    const { kind } = classifyError(error);
    if (isPermanent(error) || kind === 'fatal') {
      await this.breaker.pause(backfill, run, `cannot plan: ${(error as Error).message}`, error);
      return;
    }
    const retryMs = kind === 'unreachable' ? RETRY_UNREACHABLE_MS : RETRY_MS;
    this.logger.limit(
      'cycle',
      'warn',
      { backfill, runId: run, cycle, retryInMs: retryMs, error: String(error) },
      `cycle ${cycle} failed, retrying in ${retryMs} ms: ${String(error)}`,
    );
    // The watchdog queues a cycle again that is overdue.
    const now = await this.clock.now();
    const lastError = JSON.stringify({ ...toStoredError(error), at: new Date(now).toISOString() });
    await this.runs.setFields(run, { nextCycleAt: now + retryMs, ...(aborted ? {} : { lastError }) });
  }

  private logReport(
    { backfill, run, cycle }: CycleJob,
    { planned, cursor, target }: CycleReport,
    { perSecond, reason }: ReturnType<typeof currentRate>,
    waitMs: number | null,
  ): void {
    const rate = perSecond === null ? 'unpaced' : `${roundedRate(perSecond)}/s`;
    const next =
      waitMs === null ? 'no further cycle' : `next cycle in ${(waitMs / 1000).toFixed(1)} s at the latest`;
    this.logger.write(
      'log',
      {
        backfill,
        runId: run,
        cycle,
        planned,
        window: target,
        cursor,
        rate: perSecond,
        nextCycleInMs: waitMs,
      },
      `cycle ${cycle} planned ${planned} ${nounFor(planned, 'range')} (window ${target}), ` +
        `cursor ${JSON.stringify(cursor)}, rate ${rate} ${reason}, ${next}`,
    );
  }
}

/** Whether planning fails again however often it is tried. */
function isPermanent(error: unknown): boolean {
  return [BackfillConfigError, BackfillSourceError, PlanningTimeoutError].some(
    (type) => error instanceof type,
  );
}

/** The window depends on the rate, so a cycle runs when the rate changes: at the end of a hold no range is planned yet. */
function msUntilRateChange(config: BackfillConfig, now: number): number {
  const changeAt = nextPeakChange(config, now);
  const changes = changeAt !== null && config.perSecondOnPeak !== config.perSecondOffPeak;
  return changes ? changeAt - now + SOON_MS : Infinity;
}
