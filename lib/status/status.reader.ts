import { Injectable } from '@nestjs/common';
import type { BackfillRun } from '../state/backfill-run.js';
import type { RunRecord } from '../state/run-record.js';
import { RunStore } from '../state/run.store.js';
import { publicStatus } from '../state/verification.js';
import type { BackfillStatus } from './backfill-status.js';
import { FactsStore } from './facts.store.js';
import type { FactsReading } from './facts.store.js';
import type { BackfillFacts } from './backfill-facts.js';
import { forecastOutcome } from './forecast-outcome.js';
import { iso, isoOrNull } from './iso-time.js';
import { countsOf } from './run-progress.js';
import { StatusBuilder } from './status.builder.js';

/** Reads the state of runs from Redis and derives the public status from it. */
@Injectable()
export class StatusReader {
  constructor(
    private readonly runStore: RunStore,
    private readonly factsStore: FactsStore,
    private readonly builder: StatusBuilder,
  ) {}

  /** The status of each backfill. One whose state is corrupt hides no other: its status has the error as a warning. */
  async list(names: readonly string[]): Promise<BackfillStatus[]> {
    return this.statuses(names, await this.factsStore.read(names));
  }

  /** The status of each of these backfills and of those with an active run, by name. */
  async listAll(handled: readonly string[]): Promise<BackfillStatus[]> {
    const reading = await this.factsStore.readAll(handled);
    return this.statuses([...new Set([...handled, ...reading.active])].toSorted(), reading);
  }

  async status(name: string): Promise<BackfillStatus> {
    const { facts, micros, hold } = await this.factsStore.read([name]);
    const own = facts.get(name);
    if (!own) {
      throw new TypeError(`Expected Redis to answer for backfill "${name}", got nothing`);
    }
    return this.builder.build(name, own, Math.floor(micros / 1000), hold);
  }

  /** The runs of a backfill that Redis has, newest first. */
  async runs(name: string, limit: number): Promise<BackfillRun[]> {
    const ids = await this.runStore.ids(name, limit);
    const runs = await Promise.all(
      ids.map(async (id) => {
        const run = await this.runStore.read(id);
        return run && this.summary(run);
      }),
    );
    return runs.filter((run) => run !== null);
  }

  async summary(run: RunRecord): Promise<BackfillRun> {
    return {
      id: run.id,
      name: run.name,
      status: publicStatus(run),
      statusReason: run.reason,
      startedAt: iso(run.startedAt),
      finishedAt: isoOrNull(run.finishedAt),
      startedBy: run.startedBy,
      reason: run.startReason,
      dryRun: run.dryRun,
      version: run.version,
      ...countsOf(run),
      forecast: forecastOutcome(run, Date.now()),
      failures: await this.runStore.failures(run.id),
      configAtStart: run.configAtStart,
      config: run.config,
    };
  }

  private statuses(
    names: readonly string[],
    { facts, micros, hold }: FactsReading<BackfillFacts>,
  ): BackfillStatus[] {
    const now = Math.floor(micros / 1000);
    return names.flatMap((name) => {
      const own = facts.get(name);
      return own ? [this.builder.buildAnyway(name, own, now, hold)] : [];
    });
  }
}
