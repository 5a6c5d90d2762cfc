import type { Logger } from '@nestjs/common';
import type { SchedulerRegistry } from '@nestjs/schedule';
import type { ConfigStore } from '../config/config.store.js';
import type { BackfillRegistry } from '../handlers/backfill.registry.js';
import { LuaScript } from '../redis/lua-script.js';
import type { RedisClient } from '../redis/lua-script.js';
import { isOutOfMemory } from '../redis/out-of-memory.js';
import type { BackfillKeys } from '../redis/backfill-keys.js';
import type { RunStatus } from '../state/run-status.js';
import type { RunStore } from '../state/run.store.js';
import type { ThrottlePressure } from '../throttles/backfill-throttle.js';
import type { ThrottleEvaluator } from '../pacing/throttle.evaluator.js';
import { latestUnpaced, throughput } from '../state/sample.store.js';
import type { BackfillSample, SampleStore } from '../state/sample.store.js';
import type { CycleQueue } from '../queues/cycle.queue.js';
import type { ThrottledRate, RateController } from '../pacing/rate.controller.js';
import type { RunBreaker } from './run.breaker.js';
import type { JobReconciler } from './job.reconciler.js';

const EVERY_MS = 1_000;
/** A little less than the interval, so that one process in each interval has the duty. */
const DUTY_MS = 900;
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
export class BackfillWatchdog {
  private readonly tickScript = LuaScript.load<[number, number, ...string[]]>('tick', 7);
  private readonly reconciled = new Map<string, number>();
  private ticking: Promise<void> | undefined;
  private silent = false;
  private name = '';

  constructor(
    private readonly client: RedisClient,
    private readonly keys: BackfillKeys,
    private readonly schedule: SchedulerRegistry,
    private readonly registry: BackfillRegistry,
    private readonly runs: RunStore,
    private readonly configs: ConfigStore,
    private readonly samples: SampleStore,
    private readonly cycles: CycleQueue,
    private readonly rateController: RateController,
    private readonly jobReconciler: JobReconciler,
    private readonly breaker: RunBreaker,
    private readonly throttles: ThrottleEvaluator,
    private readonly logger: Logger,
  ) {}

  /** @param onTick told the active runs once a second */
  open(processId: string, onTick: (active: readonly ActiveRun[], now: number) => Promise<void>): void {
    this.name = `nestjs-backfill:watchdog:${processId}`;
    const timer = setInterval(() => {
      this.ticking ??= this.tick(onTick).finally(() => {
        this.ticking = undefined;
      });
    }, EVERY_MS);
    this.schedule.addInterval(this.name, timer);
  }

  async close(): Promise<void> {
    if (this.name !== '' && this.schedule.doesExist('interval', this.name)) {
      this.schedule.deleteInterval(this.name);
    }
    await this.ticking;
  }

  /** The active runs of all backfills, and the epoch ms by the clock of Redis. */
  async active(): Promise<{ duty: boolean; now: number; runs: ActiveRun[] }> {
    const [duty, now, ...rest] = await this.tickScript.run(
      this.client,
      [...this.keys.script(''), this.keys.tick],
      [DUTY_MS, this.keys.run('')],
    );
    const runs = Array.from({ length: rest.length / 3 }, (_, i) => ({
      backfill: rest[3 * i] ?? '',
      runId: rest[3 * i + 1] ?? '',
      status: rest[3 * i + 2] as RunStatus,
    }));
    return { duty: duty === 1, now, runs };
  }

  private async tick(onTick: (active: readonly ActiveRun[], now: number) => Promise<void>): Promise<void> {
    try {
      const { duty, now, runs } = await this.active();
      await onTick(runs, now);
      if (duty) {
        const running = runs.filter(({ status }) => status === 'running');
        await Promise.all(running.map((run) => this.lookAfter(run, now)));
      }
      this.silent = false;
    } catch (error) {
      await this.pauseWithoutMemory(error);
      // Said once: an outage is the same every second.
      this.logger[this.silent ? 'debug' : 'warn'](
        `The watchdog cannot look after the runs: ${String(error)}`,
      );
      this.silent = true;
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
