import { Inject, Injectable } from '@nestjs/common';
import { DATABASE_CONTEXT } from '../config/module-options.js';
import { EntityManagers } from '../database/entity-managers.js';
import type { DatabaseUser } from '../database/entity-managers.js';
import { LibraryConnections } from '../database/library-connections.js';
import { WorkReportStore } from '../state/work-report.store.js';
import type { RunWorker } from './run.worker.js';

/** Sessions that a report names. */
const MOST_SESSIONS = 50;

/** Reports what this process is working on: a run that stalls is explained by the last reports. */
@Injectable()
export class WorkReporter {
  /** By run: the report that is being written. */
  private readonly writing = new Map<string, Promise<void>>();

  constructor(
    private readonly store: WorkReportStore,
    private readonly connections: LibraryConnections,
    private readonly managers: EntityManagers,
    @Inject(DATABASE_CONTEXT) private readonly context: string,
  ) {}

  /** The first report of a worker. @param now epoch ms by the clock of Redis */
  async begin(worker: RunWorker, now: number): Promise<void> {
    await Promise.all([this.report([worker], now), this.store.removeExpired(worker.run.runId, now)]);
  }

  /** @param now epoch ms by the clock of Redis */
  async report(workers: readonly RunWorker[], now: number): Promise<void> {
    if (workers.length === 0) {
      return;
    }
    const writing = this.write(workers, now);
    for (const { run } of workers) {
      this.writing.set(run.runId, writing);
    }
    await writing;
  }

  /** To be called once nothing more is reported. */
  async remove({ run: { runId } }: RunWorker): Promise<void> {
    await this.writing.get(runId)?.catch(() => undefined);
    this.writing.delete(runId);
    await this.store.remove(runId);
  }

  private async write(workers: readonly RunWorker[], now: number): Promise<void> {
    const client = await this.store.connection();
    await Promise.all(
      workers.map((worker) => {
        const { runId, backfill } = worker.run;
        const usage = this.usage(backfill, runId);
        return this.store.write(runId, { at: now, client, ...usage, ...worker.report() });
      }),
    );
  }

  /** What the run uses of its database in this process. */
  private usage(backfill: DatabaseUser, runId: string) {
    const orm = this.managers.ormOf(backfill);
    const pool = this.connections.exhaustion(orm, runId);
    const context = backfill.contextName ?? this.context;
    return {
      pool: pool && { context, ...pool, waitedMs: Math.round(pool.waitedMs) },
      sessions: this.connections.sessions(orm, runId)?.slice(0, MOST_SESSIONS) ?? null,
    };
  }
}
