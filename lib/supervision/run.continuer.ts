import type { ConfigStore } from '../config/config.store.js';
import type { BackfillRegistry } from '../handlers/backfill.registry.js';
import type { RunStore } from '../state/run.store.js';
import type { WorkerCensus } from '../state/worker.census.js';
import type { CycleScheduler } from '../queues/cycle.scheduler.js';
import type { RateGovernor } from '../pacing/rate.governor.js';
import type { RunReconciler } from './run.reconciler.js';

/** Has a run go on that stood still: its rate, the jobs of what is outstanding, its next cycle. */
export class RunContinuer {
  constructor(
    private readonly registry: BackfillRegistry,
    private readonly runs: RunStore,
    private readonly configs: ConfigStore,
    private readonly census: WorkerCensus,
    private readonly governor: RateGovernor,
    private readonly reconciler: RunReconciler,
    private readonly cycles: CycleScheduler,
  ) {}

  async goOn(backfill: string, runId: string): Promise<void> {
    const { config } = await this.configs.read(backfill, this.registry.find(backfill)?.defaults ?? []);
    await this.governor.apply(backfill, runId, config, await this.census.now());
    await this.reconciler.reconcile(backfill, runId);
    const run = await this.runs.read(runId);
    await this.cycles.nudge({ backfill, run: runId, cycle: run?.cycle ?? 0 });
  }
}
