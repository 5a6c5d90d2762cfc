import { Injectable } from '@nestjs/common';
import { ConfigStore } from '../config/config.store.js';
import { BackfillRegistry } from '../handlers/backfill.registry.js';
import { RateController } from '../pacing/rate.controller.js';
import { CycleQueues } from '../queues/cycle.queues.js';
import { RedisClock } from '../redis/redis.clock.js';
import { RunStore } from '../state/run.store.js';
import { JobReconciler } from './job.reconciler.js';

/** Restarts the work of a run that has become running again: its rate, the jobs of its outstanding ranges, its cycle. */
@Injectable()
export class RunResumer {
  constructor(
    private readonly registry: BackfillRegistry,
    private readonly runs: RunStore,
    private readonly configs: ConfigStore,
    private readonly clock: RedisClock,
    private readonly rateController: RateController,
    private readonly jobReconciler: JobReconciler,
    private readonly cycles: CycleQueues,
  ) {}

  async resume(backfill: string, runId: string): Promise<void> {
    const { config } = await this.configs.read(backfill, this.registry.find(backfill)?.defaults ?? []);
    await this.rateController.apply(backfill, runId, config, await this.clock.now());
    await this.jobReconciler.reconcile(backfill, runId);
    const run = await this.runs.read(runId);
    await this.cycles.runNow({ backfill, run: runId, cycle: run?.cycle ?? 0 });
  }
}
