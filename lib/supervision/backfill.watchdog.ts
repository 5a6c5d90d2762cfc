import { Injectable, Inject, Logger } from '@nestjs/common';
import { LogOnce } from '../async/log-once.js';
import { ConfigStore } from '../config/config.store.js';
import { BackfillRegistry } from '../handlers/backfill.registry.js';
import { RateController } from '../pacing/rate.controller.js';
import type { ThrottledRate } from '../pacing/rate.controller.js';
import { ThrottleEvaluator } from '../pacing/throttle.evaluator.js';
import { CycleQueue } from '../queues/cycle.queue.js';
import { BackfillKeys } from '../redis/backfill-keys.js';
import { LuaScript } from '../redis/lua-script.js';
import type { RedisClient } from '../redis/lua-script.js';
import { isOutOfMemory } from '../redis/out-of-memory.js';
import { PROCESS_ID } from '../redis/process-id.js';
import { REDIS_CLIENT } from '../redis/redis-connections.js';
import type { RunStatus } from '../state/run-status.js';
import { RunStore } from '../state/run.store.js';
import { latestUnpaced, throughput, SampleStore } from '../state/sample.store.js';
import type { BackfillSample } from '../state/sample.store.js';
import type { ThrottlePressure } from '../throttles/backfill-throttle.js';
import { AppIntervals } from './app-intervals.js';
import type { AppInterval } from './app-intervals.js';
import { JobReconciler } from './job.reconciler.js';
import { RunBreaker } from './run.breaker.js';

const EVERY_MS = 1_000;
/** A little less than the interval, so that one process in each interval takes the lease. */
const LEASE_MS = 900;
/** A cycle this late was lost. */
const LATE_MS = 2_000;
const RECONCILE_EVERY_MS = 10_000;
const MEASURED_OVER_MS = 10_000;
/** What the workers reached without a rate is forgotten after so many samples. */
const KNOWN_SAMPLES = 60;
const STEPS = 20;

/** A run that is running or paused. */
export interface ActiveRun {
  readonly backfill: string;
  readonly runId: string;
  readonly status: RunStatus;
}

/**
 * Looks after the active runs once a second, in every process and for all in one of them: has a lost cycle
 * and lost jobs come again, keeps the rate in force, takes samples.
 */
@Injectable()
export class BackfillWatchdog {
  private readonly logger = new Logger('Backfill');
  private readonly tickScript = LuaScript.load<[number, number, ...string[]]>('tick', 7);
  private readonly reconciled = new Map<string, number>();
  private readonly log = new LogOnce(this.logger);
  private interval: AppInterval | undefined;

  constructor(
    @Inject(REDIS_CLIENT) private readonly client: RedisClient,
    private readonly keys: BackfillKeys,
    @Inject(PROCESS_ID) private readonly processId: string,
    private readonly intervals: AppIntervals,
    private readonly registry: BackfillRegistry,
    private readonly runs: RunStore,
    private readonly configs: ConfigStore,
    private readonly samples: SampleStore,
    private readonly cycles: CycleQueue,
    private readonly rateController: RateController,
    private readonly jobReconciler: JobReconciler,
    private readonly breaker: RunBreaker,
    private readonly throttles: ThrottleEvaluator,
  ) {}

  /** @param onTick called with the active runs once a second */
  open(onTick: (active: readonly ActiveRun[], now: number) => Promise<void>): void {
    const name = `nestjs-backfill:watchdog:${this.processId}`;
    this.interval = this.intervals.start(name, EVERY_MS, () => this.tick(onTick));
  }

  async close(): Promise<void> {
    await this.interval?.stop();
  }

  /** The active runs of all backfills, and the epoch ms by the clock of Redis. */
  async active(): Promise<{ hasLease: boolean; now: number; runs: ActiveRun[] }> {
    const [lease, now, ...rest] = await this.tickScript.run(
      this.client,
      [...this.keys.script(''), this.keys.tick],
      [LEASE_MS, this.keys.run('')],
    );
    const runs = Array.from({ length: rest.length / 3 }, (_, i) => ({
      backfill: rest[3 * i] ?? '',
      runId: rest[3 * i + 1] ?? '',
      status: rest[3 * i + 2] as RunStatus,
    }));
    return { hasLease: lease === 1, now, runs };
  }

  private async tick(onTick: (active: readonly ActiveRun[], now: number) => Promise<void>): Promise<void> {
    try {
      const { hasLease, now, runs } = await this.active();
      await onTick(runs, now);
      if (hasLease) {
        const running = runs.filter(({ status }) => status === 'running');
        await Promise.all(running.map((run) => this.lookAfter(run, now)));
      }
      this.log.recover();
    } catch (error) {
      await this.pauseWithoutMemory(error);
      this.log.warn(`The watchdog cannot supervise the runs: ${String(error)}`);
    }
  }

  private async pauseWithoutMemory(error: unknown): Promise<void> {
    if (!isOutOfMemory(error)) {
      return;
    }
    try {
      for (const [backfill, runId] of await this.runs.active()) {
        await this.breaker.pausedWithoutMemory(backfill, runId, error);
      }
    } catch (again) {
      this.logger.debug(`The active runs cannot be read: ${String(again)}`);
    }
  }

  private async pressed(
    { pressure, reason }: ThrottlePressure,
    runId: string,
    sample: BackfillSample,
  ): Promise<ThrottledRate> {
    const samples = pressure > 0 ? [sample, ...(await this.samples.newest(runId, KNOWN_SAMPLES))] : [];
    // In steps: a rate that changes by a hair each second would only fill the log.
    const steps = pressure > 0 ? Math.max(1, Math.round(pressure * STEPS)) : 0;
    const unpacedPerSecond = throughput(latestUnpaced(samples), MEASURED_OVER_MS).ranges;
    return { pressure: steps / STEPS, reason, unpacedPerSecond };
  }

  private async lookAfter({ backfill, runId }: ActiveRun, now: number): Promise<void> {
    const registered = this.registry.find(backfill);
    if (!registered) {
      return;
    }
    // Asked for together: each way to Redis wakes a process that may have nothing else to do.
    const [run, outstanding, pressure, configured] = await Promise.all([
      this.runs.read(runId),
      this.runs.outstanding(runId),
      this.throttles.evaluate(registered, runId, now),
      this.configs.read(backfill, registered.defaults).catch((error: Error) => error),
    ]);
    if (run?.status !== 'running') {
      return;
    }
    if (!('config' in configured)) {
      await this.breaker.pause(backfill, runId, configured.message, configured);
      return;
    }
    const interval = run.interval ?? 0;
    const sample: BackfillSample = {
      at: now,
      done: run.done,
      rowsDone: run.rowsDone,
      rowsFailed: run.rowsFailed,
      outstanding,
      perSecond: interval === 0 ? null : Math.max(0, 1_000_000 / interval),
    };
    const pressed = await this.pressed(pressure, runId, sample);
    await Promise.all([
      this.rateController.apply(backfill, runId, configured.config, now, pressed),
      this.samples.add(runId, sample),
    ]);
    if (run.nextCycleAt !== null && now > run.nextCycleAt + LATE_MS) {
      await this.cycles.nudge({ backfill, run: runId, cycle: run.cycle });
    }
    if (now - (this.reconciled.get(runId) ?? now - RECONCILE_EVERY_MS) >= RECONCILE_EVERY_MS) {
      this.reconciled.set(runId, now);
      await this.jobReconciler.reconcile(backfill, runId);
    }
  }
}
