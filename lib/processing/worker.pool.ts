import { Inject, Injectable } from '@nestjs/common';
import type { BackfillConfig } from '../config/backfill-config.js';
import { ConfigStore } from '../config/config.store.js';
import { RESOLVED_OPTIONS } from '../config/module-options.js';
import type { ResolvedModuleOptions } from '../config/module-options.js';
import { BackfillRegistry } from '../handlers/backfill.registry.js';
import { ThrottleEvaluator } from '../pacing/throttle.evaluator.js';
import { CycleQueue } from '../queues/cycle.queue.js';
import { RedisClock } from '../redis/redis.clock.js';
import type { BackfillEvent } from '../state/backfill-event.js';
import { RunStore } from '../state/run.store.js';
import { WorkerHeartbeats } from '../state/worker.heartbeats.js';
import { RunBreaker } from '../supervision/run.breaker.js';
import { RunWorkerDeps } from './run-worker.deps.js';
import { RunWorker } from './run.worker.js';

const HEARTBEAT_MS = 3_000;

/** A run that this pool may have to serve. */
interface Candidate {
  readonly backfill: string;
  readonly runId: string;
  readonly status: string;
}

/**
 * Holds a worker for each backfill with a running run, and for no other: told by the events, and checked
 * once a second against the tracker should one have been missed.
 */
@Injectable()
export class WorkerPool {
  private readonly open = new Map<string, RunWorker>();
  /** What is done about a backfill is done one after another. */
  private readonly chains = new Map<string, Promise<void>>();
  private heardAt = 0;
  private closing = false;

  constructor(
    @Inject(RESOLVED_OPTIONS) private readonly options: ResolvedModuleOptions,
    private readonly registry: BackfillRegistry,
    private readonly runs: RunStore,
    private readonly configs: ConfigStore,
    private readonly heartbeats: WorkerHeartbeats,
    private readonly clock: RedisClock,
    private readonly cycles: CycleQueue,
    private readonly breaker: RunBreaker,
    private readonly throttles: ThrottleEvaluator,
    private readonly deps: RunWorkerDeps,
  ) {}

  /** Follows an event: what it says has already happened. */
  onEvent(event: BackfillEvent): void {
    const { backfill, runId, type } = event;
    if (!this.serves(backfill) || runId === null) {
      return;
    }
    if (type === 'started' || type === 'resumed') {
      this.ensureWorker({ backfill, runId, status: 'running' });
    } else if (type === 'paused' || type === 'cancelled' || type === 'completed' || type === 'failed') {
      this.stop(backfill, runId);
    } else if (type === 'configured') {
      this.serialize(backfill, () => this.reconfigure(backfill));
    } else if (type === 'throttled') {
      const { until } = event.data;
      if (typeof until === 'number') {
        // Both by the clock of Redis.
        this.open.get(backfill)?.hold(until - Date.parse(event.at));
      }
      void this.open.get(backfill)?.wakeUp();
    }
  }

  /** Brings the workers in line with the active runs. */
  async sync(active: readonly Candidate[], now: number): Promise<void> {
    const running = active.filter(({ backfill, status }) => status === 'running' && this.serves(backfill));
    for (const candidate of running) {
      this.ensureWorker(candidate);
    }
    for (const [backfill, worker] of this.open) {
      if (!running.some(({ runId }) => runId === worker.run.runId)) {
        this.stop(backfill, worker.run.runId);
      }
    }
    for (const { run } of this.open.values()) {
      this.quietly(this.throttles.report(run.backfill, run.runId, now));
      this.quietly(this.deps.tuner.report(run.runId));
    }
    if (Math.abs(now - this.heardAt) >= HEARTBEAT_MS) {
      this.heardAt = now;
      await Promise.all([...this.open.keys()].map((backfill) => this.heartbeats.present(backfill, now)));
    }
  }

  /** Hands everything back and ends the workers. */
  async close(): Promise<void> {
    this.closing = true;
    // Handlers are told at once, whatever the steps under way wait for, which may have opened another.
    await this.closeOpen();
    await Promise.all(this.chains.values());
    await this.closeOpen();
  }

  private async closeOpen(): Promise<void> {
    const workers = [...this.open];
    this.open.clear();
    await Promise.all(
      workers.map(async ([backfill, worker]) => {
        await worker.close('shutdown');
        await this.heartbeats.absent(backfill);
      }),
    );
  }

  private serves(backfill: string): boolean {
    const { workers } = this.options;
    return typeof workers === 'boolean' ? workers : workers.includes(backfill);
  }

  private ensureWorker({ backfill, runId }: Candidate): void {
    if (!this.closing && this.open.get(backfill)?.run.runId !== runId) {
      this.serialize(backfill, () => this.start(backfill, runId));
    }
  }

  private stop(backfill: string, runId: string): void {
    const worker = this.open.get(backfill);
    if (worker?.run.runId === runId) {
      this.open.delete(backfill);
      this.serialize(backfill, async () => {
        await worker.close('pause');
        await this.heartbeats.absent(backfill);
      });
    }
  }

  private async start(backfill: string, runId: string): Promise<void> {
    const registered = this.registry.find(backfill);
    const run = await this.runs.read(runId);
    if (
      !registered ||
      run?.status !== 'running' ||
      this.closing ||
      this.open.get(backfill)?.run.runId === runId
    ) {
      return;
    }
    const config = await this.config(backfill, runId);
    if (!config) {
      return;
    }
    // The end of the run before may never have been told, as when Redis lost everything.
    await this.open.get(backfill)?.close('pause');
    const worker: RunWorker = new RunWorker(
      { backfill: registered, runId, dryRun: run.dryRun },
      config,
      this.deps,
      {
        low: () => this.quietly(this.nudge(backfill, runId)),
        escalate: (error) => this.breaker.escalate(backfill, runId, error),
        quarantined: async () => {
          const now = await this.config(backfill, runId);
          await (now && this.breaker.checkFailures(backfill, runId, now));
        },
        error: (error) => {
          this.deps.logger.debug(`[${backfill} run ${runId}] worker: ${error.message}`);
          this.quietly(this.breaker.pauseIfOutOfMemory(backfill, runId, error));
        },
      },
    );
    this.open.set(backfill, worker);
    await this.heartbeats.present(backfill, await this.clock.now());
  }

  private async reconfigure(backfill: string): Promise<void> {
    const worker = this.open.get(backfill);
    const config = worker && (await this.config(backfill, worker.run.runId));
    if (config) {
      worker.reconfigure(config);
      await worker.wakeUp();
    }
  }

  /** The config in force; none where it is corrupt, and then the run is paused. */
  private async config(backfill: string, runId: string): Promise<BackfillConfig | null> {
    try {
      return (await this.configs.read(backfill, this.registry.get(backfill).defaults)).config;
    } catch (error) {
      await this.breaker.pause(backfill, runId, (error as Error).message, error);
      return null;
    }
  }

  private async nudge(backfill: string, runId: string): Promise<void> {
    const run = await this.runs.read(runId);
    if (run?.status === 'running') {
      await this.cycles.nudge({ backfill, run: runId, cycle: run.cycle });
    }
  }

  private serialize(backfill: string, step: () => Promise<void>): void {
    const before = this.chains.get(backfill) ?? Promise.resolve();
    this.chains.set(
      backfill,
      before.then(() => this.logErrors(step())),
    );
  }

  private quietly(work: Promise<unknown>): void {
    void this.logErrors(work);
  }

  private async logErrors(work: Promise<unknown>): Promise<void> {
    try {
      await work;
    } catch (error) {
      // The watchdog sees within a second what was missed here.
      this.deps.logger.warn(`The workers could not follow: ${String(error)}`);
    }
  }
}
