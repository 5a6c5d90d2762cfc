import { Injectable } from '@nestjs/common';
import type { BackfillConfig } from '../config/backfill-config.js';
import { ConfigStore } from '../config/config.store.js';
import { BackfillRegistry } from '../handlers/backfill.registry.js';
import type { DeclaredBackfill } from '../handlers/registered-backfill.js';
import { BackfillLogger } from '../logging/backfill.logger.js';
import { RateController } from '../pacing/rate.controller.js';
import type { ThrottledRate } from '../pacing/rate.controller.js';
import { ThrottleEvaluator } from '../pacing/throttle.evaluator.js';
import { CycleQueues } from '../queues/cycle.queues.js';
import { withMark } from '../state/partition-marks.js';
import { toPerSecond } from '../state/pace.js';
import type { RunRecord } from '../state/run-record.js';
import { RunStore } from '../state/run.store.js';
import { latestUnpaced, throughput, SampleStore } from '../state/sample.store.js';
import type { BackfillSample } from '../state/sample.store.js';
import type { ThrottlePressure } from '../throttles/backfill-throttle.js';
import { JobReconciler } from './job.reconciler.js';
import { RunBreaker } from './run.breaker.js';
import { RunChecker } from './run.checker.js';

/** A cycle that is overdue by this much was lost. */
const OVERDUE_MS = 2_000;
const RECONCILE_EVERY_MS = 10_000;
const MEASURED_OVER_MS = 10_000;
/** The unpaced speed of the workers is looked up in this many samples. */
const UNPACED_SAMPLES = 60;
/** Pressure is rounded to this many steps: each change of the rate is logged and published. */
const PRESSURE_STEPS = 20;

/** Supervises one running run: applies the rate, records a sample, and queues a lost cycle or lost jobs again. */
@Injectable()
export class RunSupervisor {
  private readonly logger = new BackfillLogger();
  private readonly reconciledAt = new Map<string, number>();

  constructor(
    private readonly registry: BackfillRegistry,
    private readonly runs: RunStore,
    private readonly configs: ConfigStore,
    private readonly samples: SampleStore,
    private readonly cycles: CycleQueues,
    private readonly rateController: RateController,
    private readonly jobReconciler: JobReconciler,
    private readonly breaker: RunBreaker,
    private readonly throttles: ThrottleEvaluator,
    private readonly checker: RunChecker,
  ) {}

  /** @param now epoch ms by the clock of Redis */
  async supervise(name: string, runId: string, now: number): Promise<void> {
    const backfill = this.registry.find(name);
    if (!backfill) {
      return;
    }
    // Concurrently: commands sent in the same turn share a round trip to Redis.
    const [run, outstanding, pressure, configured] = await Promise.all([
      this.runs.read(runId),
      this.runs.outstanding(runId),
      this.throttles.evaluate(backfill, runId, now),
      this.configs.read(name, backfill.defaults).catch((error: Error) => error),
    ]);
    if (run?.status !== 'running') {
      return;
    }
    if (configured instanceof Error) {
      await this.breaker.pause(name, runId, configured.message, configured);
      return;
    }
    await this.bind(backfill, run);
    const sample = toSample(run, outstanding, now);
    const throttled = await this.throttledRate(pressure, runId, sample);
    await Promise.all([
      this.rateController.apply(name, runId, configured.config, now, throttled),
      this.samples.add(runId, sample),
      this.markPartitions(run, now),
      this.recordConfig(run, configured.config),
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

  /** The status says why this process does not work on a run once its parameters have been parsed here. */
  private async bind(backfill: DeclaredBackfill, run: RunRecord): Promise<void> {
    try {
      await this.checker.bind(backfill, run);
    } catch (error) {
      const scope = { backfill: backfill.name, runId: run.id };
      this.logger.limit('params', 'warn', scope, `the parameters cannot be parsed: ${String(error)}`);
    }
  }

  private async throttledRate(
    { pressure, reason }: ThrottlePressure,
    runId: string,
    sample: BackfillSample,
  ): Promise<ThrottledRate> {
    if (pressure <= 0) {
      return { pressure: 0, reason, unpacedPerSecond: 0 };
    }
    const samples = [sample, ...(await this.samples.newest(runId, UNPACED_SAMPLES))];
    return {
      pressure: Math.max(1, Math.round(pressure * PRESSURE_STEPS)) / PRESSURE_STEPS,
      reason,
      unpacedPerSecond: throughput(latestUnpaced(samples), MEASURED_OVER_MS).ranges,
    };
  }
}

function toSample(run: RunRecord, outstanding: number, at: number): BackfillSample {
  const { done, rowsDone, rowsFailed, pace } = run;
  return { at, done, rowsDone, rowsFailed, outstanding, perSecond: toPerSecond(pace) };
}
