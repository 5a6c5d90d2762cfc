import { Injectable } from '@nestjs/common';
import type { BackfillConfig } from '../config/backfill-config.js';
import { LastConfigs } from '../config/last-configs.js';
import { BackfillRegistry } from '../handlers/backfill.registry.js';
import type { DeclaredBackfill } from '../handlers/registered-backfill.js';
import { BackfillLogger } from '../logging/backfill.logger.js';
import { PressureReporter } from '../pacing/pressure.reporter.js';
import { RateController } from '../pacing/rate.controller.js';
import type { NamedPressure } from '../pacing/rate.controller.js';
import { quotaPressure } from '../pacing/shared.quota.js';
import { CycleQueues } from '../queues/cycle.queues.js';
import { currentConcurrency, roundedSlots } from '../state/concurrency-state.js';
import { withMark } from '../state/partition-marks.js';
import { toPerSecond } from '../state/pace.js';
import type { RunRecord } from '../state/run-record.js';
import { RunParser } from '../state/run.parser.js';
import { RunStore } from '../state/run.store.js';
import { SampleStore } from '../state/sample.store.js';
import type { BackfillSample } from '../state/sample.store.js';
import type { ThrottlePressure } from '../throttles/backfill-throttle.js';
import { JobReconciler } from './job.reconciler.js';
import { RunBreaker } from './run.breaker.js';
import { RunChecker } from './run.checker.js';
import type { SupervisedRun } from './supervised-run.js';

/** A cycle that is overdue by this much was lost. */
const OVERDUE_MS = 2_000;
const RECONCILE_EVERY_MS = 10_000;
/** The quota reports its pressure beside the throttles. */
const QUOTA_REPORTER = 'quota';
const QUOTA_EXPIRY_MS = 5_000;
const NO_PRESSURE: ThrottlePressure = { pressure: 0, reason: '' };

/** Supervises one running run: applies the rate, records a sample, and queues a lost cycle or lost jobs again. */
@Injectable()
export class RunSupervisor {
  private readonly logger = new BackfillLogger();
  private readonly parser = new RunParser();
  private readonly configs = new LastConfigs();
  private readonly reconciledAt = new Map<string, number>();

  constructor(
    private readonly registry: BackfillRegistry,
    private readonly runs: RunStore,
    private readonly samples: SampleStore,
    private readonly cycles: CycleQueues,
    private readonly rateController: RateController,
    private readonly jobReconciler: JobReconciler,
    private readonly breaker: RunBreaker,
    private readonly reporter: PressureReporter,
    private readonly checker: RunChecker,
  ) {}

  /**
   * @param supervised what the tick has read
   * @param now epoch ms by the clock of Redis
   */
  async supervise(name: string, runId: string, supervised: SupervisedRun, now: number): Promise<void> {
    const backfill = this.registry.find(name);
    if (!backfill) {
      return;
    }
    if (supervised.error !== null) {
      throw new Error(supervised.error);
    }
    const run = this.parser.parse(name, supervised.run);
    const { outstanding } = supervised;
    const configured = this.configOf(backfill, supervised);
    if (configured instanceof Error) {
      await this.breaker.pause(name, runId, configured.message, configured);
      return;
    }
    const pressure = await this.pressure(backfill, runId, supervised, now);
    await this.bind(backfill, run);
    const sample = toSample(run, outstanding, now);
    const throttled = await this.reporter.throttledRate(pressure, runId, sample);
    await Promise.all([
      supervised.isWorkedOn && this.rateController.isInForce(name, supervised.run, configured, now, throttled)
        ? null
        : this.rateController.apply(name, runId, configured, now, throttled),
      this.samples.add(runId, sample),
      this.markPartitions(run, now),
      this.recordConfig(run, configured),
    ]);
    if (run.exhausted && outstanding === 0) {
      await this.runs.endIfDrained(runId);
    }
    if (run.nextCycleAt !== null && now > run.nextCycleAt + OVERDUE_MS) {
      await this.cycles.runNow({ backfill: name, run: runId, cycle: run.cycle });
    }
    if (now - (this.reconciledAt.get(runId) ?? -Infinity) >= RECONCILE_EVERY_MS) {
      this.reconciledAt.set(runId, now);
      await this.jobReconciler.reconcile(name, runId);
    }
  }

  /** Also a deploy changes the config, by its defaults. */
  private async recordConfig(run: RunRecord, config: BackfillConfig): Promise<void> {
    const text = JSON.stringify(config);
    if (text !== JSON.stringify(run.config)) {
      await this.runs.setFields(run.id, { config: text });
    }
  }

  private async markPartitions(run: RunRecord, now: number): Promise<void> {
    const partitionMarks = withMark(run, now);
    if (partitionMarks) {
      await this.runs.setFields(run.id, { partitionMarks: JSON.stringify(partitionMarks) });
    }
  }

  private configOf(
    { name, defaults }: DeclaredBackfill,
    { config }: Pick<SupervisedRun, 'config'>,
  ): BackfillConfig | Error {
    try {
      return typeof config === 'string' ? new Error(config) : this.configs.of(name, config, defaults);
    } catch (error) {
      return error as Error;
    }
  }

  /** The status says why this process does not work on a run once its parameters have been parsed here. */
  private async bind(backfill: DeclaredBackfill, run: RunRecord): Promise<void> {
    try {
      await this.checker.bind(backfill, run);
    } catch (error) {
      const scope = { backfill: backfill.name, runId: run.id };
      this.logger.limit('params', 'warn', scope, `the parameters cannot be parsed: ${String(error)}`);
    }
  }

  /** The highest pressure of all throttles in all processes, and of the quota: for row handlers that paces each call. */
  private async pressure(
    backfill: DeclaredBackfill,
    runId: string,
    { lowered, pressure, isQuotaReported }: SupervisedRun,
    now: number,
  ): Promise<NamedPressure> {
    const byQuota = backfill.shape === 'row' ? NO_PRESSURE : quotaPressure(lowered, now);
    if (byQuota.pressure === 0 && !isQuotaReported) {
      return pressure;
    }
    const report = { ...byQuota, reporter: QUOTA_REPORTER, expiryMs: QUOTA_EXPIRY_MS };
    return this.reporter.report(backfill.name, runId, report);
  }
}

function toSample(run: RunRecord, outstanding: number, at: number): BackfillSample {
  const { done, rowsDone, rowsFailed, pace } = run;
  const controller = currentConcurrency(run, at);
  const concurrency = controller && roundedSlots(controller.value);
  return { at, done, rowsDone, rowsFailed, outstanding, perSecond: toPerSecond(pace), concurrency };
}
