import type { ConfigStore } from '../config/config.store.js';
import type { BackfillRegistry } from '../handlers/backfill.registry.js';
import type { RunStore } from '../state/run.store.js';
import type { WorkerHeartbeats } from '../state/worker.heartbeats.js';
import type { CycleQueue } from '../queues/cycle.queue.js';
import type { RateController } from '../pacing/rate.controller.js';
import type { JobReconciler } from './job.reconciler.js';

/** Has a run go on that stood still: its rate, the jobs of what is outstanding, its next cycle. */
export class RunResumer {
  constructor(
    private readonly registry: BackfillRegistry,
    private readonly runs: RunStore,
    private readonly configs: ConfigStore,
    private readonly heartbeats: WorkerHeartbeats,
    private readonly rateController: RateController,
    private readonly jobReconciler: JobReconciler,
    private readonly cycles: CycleQueue,
  ) {}

  async resume(backfill: string, runId: string): Promise<void> {
    const { config } = await this.configs.read(backfill, this.registry.find(backfill)?.defaults ?? []);
    await this.rateController.apply(backfill, runId, config, await this.heartbeats.now());
    await this.jobReconciler.reconcile(backfill, runId);
    const run = await this.runs.read(runId);
    await this.cycles.nudge({ backfill, run: runId, cycle: run?.cycle ?? 0 });
  }
}
