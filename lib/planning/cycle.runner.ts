import { Injectable, Logger } from '@nestjs/common';
import type { BackfillConfig } from '../config/backfill-config.js';
import { ConfigStore } from '../config/config.store.js';
import { classifyError } from '../database/classify-error.js';
import { BackfillConfigError } from '../errors/backfill-config.error.js';
import { BackfillRegistry } from '../handlers/backfill.registry.js';
import { currentRate, nextPeakChange } from '../pacing/peak-hours.js';
import { RateController } from '../pacing/rate.controller.js';
import type { CycleJob } from '../queues/cycle.queue.js';
import { RedisClock } from '../redis/redis.clock.js';
import { RangeStore } from '../state/range.store.js';
import { RunStore } from '../state/run.store.js';
import { throughput, SampleStore } from '../state/sample.store.js';
import { WorkerHeartbeats } from '../state/worker.heartbeats.js';
import { RunBreaker } from '../supervision/run.breaker.js';
import { BatchTuner } from './batch.tuner.js';
import { PlanningTimeoutError } from './planning-timeout.error.js';
import { RangePlanner } from './range.planner.js';
import type { CycleReport } from './range.planner.js';
import { retryAfter } from './retry-after.js';

/** A cycle comes at least this often, whatever the window. */
const LONGEST_MS = 30_000;
const SOON_MS = 20;
const MEASURED_OVER_MS = 30_000;

/** Runs one cycle of a run: rate, plan, log line, time of the next. */
@Injectable()
export class CycleRunner {
  private readonly logger = new Logger('Backfill');
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
    private readonly breaker: RunBreaker,
    private readonly tuner: BatchTuner,
  ) {}

  /** Answers the ms until the next cycle, or `null` when there is none. */
  async run(job: CycleJob, signal: AbortSignal): Promise<number | null> {
    const backfill = this.registry.find(job.backfill);
    const run = backfill && (await this.runs.read(job.run));
    if (!run || run.status !== 'running' || run.cycle !== job.cycle) {
      return null;
    }
    const where = `[${job.backfill} run ${job.run}]`;
    try {
      const { config, version } = await this.configs.read(job.backfill, backfill.defaults);
      const now = await this.clock.now();
      await this.rateController.apply(job.backfill, job.run, config, now);
      const measured = throughput(await this.samples.newest(job.run, 60), MEASURED_OVER_MS).ranges;
      const report = await this.planner.plan({
        backfill,
        run,
        config: { ...config, batchSize: await this.tuner.batchSize(job.run, config) },
        now,
        workers: (await this.heartbeats.workers(job.backfill, now)).length,
        measuredPerSecond: measured > 0 ? measured : null,
        signal,
      });
      const wait = report.current
        ? await this.rangeStore.endCycle(
            job.run,
            job.cycle,
            report.target,
            Math.min(LONGEST_MS, (config.duration * 1000) / 2, msUntilChange(config, now)),
            SOON_MS,
            version,
          )
        : SOON_MS;
      this.log(where, job.cycle, report, currentRate(config, now), wait);
      return report.current ? wait : null;
    } catch (error) {
      await this.failed(job, where, error);
      return null;
    }
  }

  private async failed(job: CycleJob, where: string, error: unknown): Promise<void> {
    if (await this.breaker.pauseIfOutOfMemory(job.backfill, job.run, error)) {
      return;
    }
    if (
      error instanceof BackfillConfigError ||
      error instanceof PlanningTimeoutError ||
      classifyError(error).kind === 'fatal'
    ) {
      await this.breaker.pause(job.backfill, job.run, `cannot plan: ${(error as Error).message}`, error);
      return;
    }
    // The watchdog has the same cycle come again.
    const wait = retryAfter(classifyError(error).kind);
    this.logger.warn(`${where} cycle ${job.cycle} failed, again in ${wait} ms: ${String(error)}`);
    await this.runs.note(job.run, { nextCycleAt: (await this.clock.now()) + wait });
  }

  private log(
    where: string,
    cycle: number,
    { planned, cursor, target }: CycleReport,
    { perSecond, reason }: ReturnType<typeof currentRate>,
    wait: number | null,
  ): void {
    const rate = perSecond === null ? 'unpaced' : `${perSecond}/s`;
    const next =
      wait === null ? 'no further cycle' : `next cycle in ${(wait / 1000).toFixed(1)} s at the latest`;
    this.logger.log(
      `${where} cycle ${cycle} planned ${planned} ranges (window ${target}), cursor ${JSON.stringify(cursor)}, ` +
        `rate ${rate} ${reason}, ${next}`,
    );
  }
}

/** The window of another rate is planned when that rate begins, or a hold that ends would find no work. */
function msUntilChange(config: BackfillConfig, now: number): number {
  const at = nextPeakChange(config, now);
  const changes = at !== null && config.perSecondOnPeak !== config.perSecondOffPeak;
  return changes ? at - now + SOON_MS : Infinity;
}
