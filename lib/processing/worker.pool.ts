import { Inject, Injectable, Logger } from '@nestjs/common';
import type { BackfillConfig } from '../config/backfill-config.js';
import { ConfigStore } from '../config/config.store.js';
import { isUnreachable } from '../database/classify-error.js';
import { RESOLVED_OPTIONS } from '../config/module-options.js';
import type { ResolvedModuleOptions } from '../config/module-options.js';
import { BackfillRegistry } from '../handlers/backfill.registry.js';
import type { RegisteredBackfill } from '../handlers/registered-backfill.js';
import { BackfillChecks } from '../handlers/backfill-checks.js';
import { ThrottlePoller } from '../pacing/throttle.poller.js';
import { CurrentBudget } from '../pacing/budget/current.budget.js';
import { CycleWorkers } from '../planning/cycle.workers.js';
import { CycleQueues } from '../queues/cycle.queues.js';
import { RedisClock } from '../redis/redis.clock.js';
import type { BackfillEvent } from '../state/backfill-event.js';
import { isLimited } from '../state/canary.js';
import { EVERY_BACKFILL } from '../state/global-hold.js';
import { RunStore } from '../state/run.store.js';
import { WorkerHeartbeats } from '../state/worker.heartbeats.js';
import type { ActiveRun, ActiveRuns } from '../supervision/backfill.watchdog.js';
import { describeEvent } from '../supervision/describe-event.js';
import { RefusedRuns } from '../supervision/refused-runs.js';
import { RunBreaker } from '../supervision/run.breaker.js';
import { RunChecker } from '../supervision/run.checker.js';
import { RunLog } from '../supervision/run.log.js';
import { RunWorkerDeps } from './run-worker.deps.js';
import { RunWorker } from './run.worker.js';
import { SourceChecker } from './source.checker.js';
import { TableFinder } from './table.finder.js';
import { WorkReporter } from './work.reporter.js';

const HEARTBEAT_MS = 3_000;

/**
 * Keeps a worker for each backfill whose run is running, and for no other. It follows the events, and once a second
 * `sync` makes up for those that were missed.
 */
@Injectable()
export class WorkerPool {
  private readonly logger = new Logger('Backfill');
  private readonly workers = new Map<string, RunWorker>();
  /** By backfill: the last of its steps, which run one after another. */
  private readonly steps = new Map<string, Promise<void>>();
  /** Workers that are being stopped: their handlers may still run. */
  private readonly stopping = new Set<RunWorker>();
  /** What runs beside the steps. */
  private readonly background = new Set<Promise<void>>();
  private heartbeatAt = 0;
  /** Whether all runs are held. Then there is no worker, in a process that has just started either. */
  private held = false;
  /** As the last `sync` has seen them. */
  private active: readonly ActiveRun[] = [];
  private closing = false;

  constructor(
    @Inject(RESOLVED_OPTIONS) private readonly options: ResolvedModuleOptions,
    private readonly registry: BackfillRegistry,
    private readonly runs: RunStore,
    private readonly configs: ConfigStore,
    private readonly heartbeats: WorkerHeartbeats,
    private readonly clock: RedisClock,
    private readonly cycles: CycleQueues,
    private readonly cycleWorkers: CycleWorkers,
    private readonly breaker: RunBreaker,
    private readonly poller: ThrottlePoller,
    private readonly checks: BackfillChecks,
    private readonly checker: RunChecker,
    private readonly refusedRuns: RefusedRuns,
    private readonly log: RunLog,
    private readonly sources: SourceChecker,
    private readonly budget: CurrentBudget,
    private readonly tables: TableFinder,
    private readonly reporter: WorkReporter,
    private readonly deps: RunWorkerDeps,
  ) {}

  /** Starts, stops or reconfigures a worker after an event. */
  onEvent(event: BackfillEvent): void {
    const { backfill, runId } = event;
    if (backfill === EVERY_BACKFILL) {
      this.onGlobalEvent(event);
      return;
    }
    if (!this.serves(backfill) || runId === null) {
      return;
    }
    this.inBackground(this.log.onEvent(event));
    switch (event.type) {
      case 'started':
      case 'resumed':
        this.ensureWorker(backfill, runId);
        break;
      case 'paused':
        this.stop(backfill, runId, 'pause');
        break;
      case 'cancelled':
      case 'completed':
      case 'failed':
        this.stop(backfill, runId, 'end');
        break;
      case 'configured':
        this.serialize(backfill, () => this.reconfigure(backfill));
        break;
      case 'throttled':
        if (typeof event.data.until === 'number') {
          // Both times are by the clock of Redis.
          this.workers.get(backfill)?.blockCalls(event.data.until - Date.parse(event.at));
        }
        void this.workers.get(backfill)?.resume();
        break;
      case 'planned':
      case 'rangeCompleted':
      case 'quarantined':
      case 'held':
      case 'released':
      case 'stalled':
      case 'stallEnded':
      case 'heldAll':
      case 'releasedAll':
      case 'overridden':
      case 'deployed':
      case 'budgetConfigured':
        break;
    }
  }

  private onGlobalEvent(event: BackfillEvent): void {
    if (event.type === 'budgetConfigured') {
      if (event.data.context === this.budget.context) {
        this.inBackground(this.budget.refresh());
      }
      return;
    }
    const text = describeEvent(event);
    if (text !== null) {
      this.logger.warn(text);
    }
    this.held = event.type === 'heldAll';
    if (this.held) {
      this.stopAll();
    } else {
      this.ensureWorkers();
    }
  }

  /** Brings the workers in line with the active runs, has their throttles measured, reports timings, sends heartbeats. */
  async sync({ runs, now, hold }: ActiveRuns): Promise<void> {
    this.active = runs;
    this.held = hold !== null;
    if (this.held) {
      this.stopAll();
    } else {
      this.stopOthers();
      this.ensureWorkers();
    }
    for (const { backfill, runId, perSecond } of runs) {
      const worker = this.workers.get(backfill);
      if (worker?.run.runId === runId) {
        worker.followRate(perSecond);
      }
    }
    this.poller.sync(
      'process',
      [...this.workers.values()].map(({ run }) => run),
    );
    for (const { run } of this.workers.values()) {
      this.inBackground(this.deps.tuner.report(run.runId));
    }
    this.inBackground(this.deps.heldBatches.report());
    if (Math.abs(now - this.heartbeatAt) >= HEARTBEAT_MS) {
      this.heartbeatAt = now;
      if (this.workers.size > 0) {
        this.inBackground(this.budget.refresh());
      }
      await Promise.all([
        ...[...this.workers.values()].map((worker) => this.beat(worker, now)),
        this.reporter.report([...this.workers.values(), ...this.stopping], now),
      ]);
    }
  }

  private stopAll(): void {
    for (const [backfill, { run }] of this.workers) {
      this.stop(backfill, run.runId, 'pause');
    }
  }

  /** Stops the workers of runs that are not running. */
  private stopOthers(): void {
    for (const [backfill, { run }] of this.workers) {
      const active = this.active.find(({ runId }) => runId === run.runId);
      // A worker that is older than the last resume has missed a pause.
      if (active?.status !== 'running' || active.resumes > run.resumes || !this.serves(backfill)) {
        this.stop(backfill, run.runId, active ? 'pause' : 'end');
      }
    }
  }

  private ensureWorkers(): void {
    for (const { backfill, runId, status } of this.active) {
      if (status === 'running' && this.serves(backfill)) {
        this.ensureWorker(backfill, runId);
      }
    }
  }

  /** Closes the workers, which release the ranges that they cannot finish in time. */
  async close(): Promise<void> {
    this.closing = true;
    // Not after the pending steps, which start no worker any more: handlers are to learn of the shutdown at once.
    await this.closeWorkers();
    await Promise.all([...this.steps.values(), ...this.background]);
  }

  private async closeWorkers(): Promise<void> {
    const workers = [...this.workers];
    this.workers.clear();
    await Promise.all(
      workers.map(async ([backfill, worker]) => {
        // Nothing is reported meanwhile: its last report would have it blocked.
        await Promise.all([worker.close('shutdown'), this.reporter.remove(worker)]);
        await this.heartbeats.remove(backfill);
      }),
    );
    this.deps.logger.flush();
  }

  private serves(backfill: string): boolean {
    const { workers } = this.options;
    const group = this.registry.find(backfill)?.group ?? backfill;
    return typeof workers === 'boolean' ? workers : workers.includes(backfill) || workers.includes(group);
  }

  private ensureWorker(backfill: string, runId: string): void {
    if (!this.closing && !this.held && this.workers.get(backfill)?.run.runId !== runId) {
      this.serialize(backfill, () => this.start(backfill, runId));
    }
  }

  private stop(backfill: string, runId: string, why: 'pause' | 'end'): void {
    const worker = this.workers.get(backfill);
    if (worker?.run.runId === runId) {
      this.workers.delete(backfill);
      this.cycleWorkers.stop(backfill);
      this.stopping.add(worker);
      this.serialize(backfill, async () => {
        await worker.close(why).finally(() => this.stopping.delete(worker));
        await Promise.all([this.heartbeats.remove(backfill), this.reporter.remove(worker)]);
      });
    }
  }

  private async start(backfill: string, runId: string): Promise<void> {
    const registered = this.registry.find(backfill);
    const run = await this.runs.read(runId);
    if (
      !registered ||
      // The next `sync` sees that the database has answered.
      this.checks.isPending(backfill) ||
      run?.status !== 'running' ||
      this.closing ||
      this.held ||
      this.workers.get(backfill)?.run.runId === runId
    ) {
      return;
    }
    const binding = await this.checker.bind(registered, run);
    if ('refusal' in binding) {
      return this.refusedRuns.refuse(backfill, run, binding.refusal);
    }
    const config = await this.readConfig(backfill, runId);
    if (!config || !(await this.checkSource(binding.backfill, runId))) {
      return;
    }
    await this.budget.refresh();
    // The run before ended without an event where Redis lost its data.
    await this.workers.get(backfill)?.close('pause');
    if (this.closing || this.held) {
      return;
    }
    const canary = isLimited(run.canary) ? run.canary : null;
    const worker: RunWorker = new RunWorker(
      {
        backfill: binding.backfill,
        runId,
        dryRun: run.dryRun,
        rowsExact: run.rowsExact,
        canary: canary !== null,
        sample: run.verification?.sample || (canary?.sample ?? 0),
        table: this.tables.find(registered, binding.backfill),
        resumes: run.resumes,
      },
      config,
      this.deps,
      {
        lowWater: () => this.inBackground(this.runNextCycle(backfill, runId)),
        escalate: (error) => this.breaker.escalate(backfill, runId, error, run.resumes),
        quarantined: async () => {
          const current = await this.readConfig(backfill, runId);
          await (current && this.breaker.checkFailures(backfill, runId, current));
        },
        failedInitially: (ranges, error) =>
          this.breaker.pauseUnlessSucceeded(backfill, runId, ranges, error, run.resumes),
        error: (error) => {
          this.deps.logger.write('debug', { backfill, runId }, `worker: ${error.message}`);
          this.inBackground(this.breaker.pauseIfOutOfMemory(backfill, runId, error));
        },
      },
    );
    this.workers.set(backfill, worker);
    this.cycleWorkers.start(backfill);
    const now = await this.clock.now();
    await Promise.all([this.beat(worker, now), this.reporter.begin(worker, now)]);
  }

  private async beat({ run: { backfill, runId } }: RunWorker, now: number): Promise<void> {
    await this.heartbeats.beat(backfill.name, runId, backfill.version, now);
  }

  private async reconfigure(backfill: string): Promise<void> {
    const worker = this.workers.get(backfill);
    const config = worker && (await this.readConfig(backfill, worker.run.runId));
    if (config) {
      worker.reconfigure(config);
      await worker.resume();
    }
  }

  /** The current config; pauses the run and answers `null` where it is corrupt. */
  private async readConfig(backfill: string, runId: string): Promise<BackfillConfig | null> {
    try {
      return (await this.configs.read(backfill, this.registry.get(backfill).defaults)).config;
    } catch (error) {
      await this.breaker.pause(backfill, runId, (error as Error).message, error);
      return null;
    }
  }

  /** Checks the source of a run that is made from its parameters; pauses the run and answers false where it is refused. */
  private async checkSource(backfill: RegisteredBackfill, runId: string): Promise<boolean> {
    try {
      await this.sources.check(backfill);
      return true;
    } catch (error) {
      if (isUnreachable(error)) {
        throw error;
      }
      await this.breaker.pause(backfill.name, runId, (error as Error).message, error);
      return false;
    }
  }

  /** Has the next cycle of the run come at once. */
  private async runNextCycle(backfill: string, runId: string): Promise<void> {
    const run = await this.runs.read(runId);
    if (run?.status === 'running') {
      await this.cycles.runNow({ backfill, run: runId, cycle: run.cycle });
    }
  }

  /** Runs a step after all earlier ones of the same backfill. */
  private serialize(backfill: string, step: () => Promise<void>): void {
    const previous = this.steps.get(backfill) ?? Promise.resolve();
    this.steps.set(
      backfill,
      previous.then(() => this.logErrors(step())),
    );
  }

  private inBackground(work: Promise<unknown>): void {
    const logged: Promise<void> = this.logErrors(work).finally(() => this.background.delete(logged));
    this.background.add(logged);
  }

  private async logErrors(work: Promise<unknown>): Promise<void> {
    try {
      await work;
    } catch (error) {
      // The next `sync`, within a second, makes up for it.
      this.logger.warn(`The workers could not be brought in line with the runs: ${String(error)}`);
    }
  }
}
