import { Injectable, Inject, Logger } from '@nestjs/common';
import { LogOnce } from '../async/log-once.js';
import { sleep } from '../async/sleep.js';
import { endsWithin } from '../async/timeout.js';
import { RESOLVED_OPTIONS } from '../config/module-options.js';
import type { ResolvedModuleOptions } from '../config/module-options.js';
import { BackfillStateError } from '../errors/backfill-state.error.js';
import { BackfillKeys } from '../redis/backfill-keys.js';
import { PROCESS_ID } from '../redis/process-id.js';
import { REDIS_CLIENT } from '../redis/redis-connections.js';
import type { RedisClient } from '../redis/redis-connections.js';
import { RunStore } from '../state/run.store.js';
import { AppIntervals } from '../supervision/app-intervals.js';
import type { AppInterval } from '../supervision/app-intervals.js';
import { RunResumer } from '../supervision/run.resumer.js';
import type { LedgerRun } from './ledger-rows.js';
import { LedgerChecker } from './ledger.checker.js';
import { LedgerLease } from './ledger.lease.js';
import { LedgerWriter } from './ledger.writer.js';
import { RunRestorer } from './run.restorer.js';

const EVERY_MS = 1_000;
/** Longest that an action waits for the database. A slower write completes later. */
const MAX_WAIT_MS = 1_000;
/** If restoring all runs takes longer than this, it is started again. */
const RESTORE_MS = 60_000;

/**
 * The durable ledger (`ledger: true`): copies the state in Redis to the database of the app, and restores runs that
 * Redis lost from there. Does nothing where the option is off.
 */
@Injectable()
export class BackfillLedger {
  private readonly logger = new Logger('Backfill');
  private readonly log = new LogOnce(this.logger);
  private readonly stop = new AbortController();
  private lastStep: Promise<void> = Promise.resolve();
  private interval: AppInterval | undefined;

  constructor(
    @Inject(RESOLVED_OPTIONS) private readonly options: ResolvedModuleOptions,
    @Inject(REDIS_CLIENT) private readonly client: RedisClient,
    private readonly keys: BackfillKeys,
    @Inject(PROCESS_ID) private readonly processId: string,
    private readonly intervals: AppIntervals,
    private readonly checker: LedgerChecker,
    private readonly lease: LedgerLease,
    private readonly writer: LedgerWriter,
    private readonly restorer: RunRestorer,
    private readonly runs: RunStore,
    private readonly resumer: RunResumer,
  ) {}

  get enabled(): boolean {
    return this.options.ledger;
  }

  /**
   * Throws `BackfillDefinitionError` where entities or tables are missing.
   *
   * @param ms longest to wait for the database
   * @returns whether the database can be reached; true where the ledger is off
   */
  async check(ms: number): Promise<boolean> {
    if (this.enabled) {
      const checked = this.checker.check();
      // A database that accepts connections and answers nothing must not keep the app from starting, nor from closing.
      const unreachable = (await endsWithin(checked, ms)) ? await checked : `no answer within ${ms} ms`;
      if (unreachable !== null) {
        this.warnUnreachable(unreachable);
        return false;
      }
    }
    return true;
  }

  /** Restores what Redis lost while no process ran, and starts to write. */
  async open(): Promise<void> {
    if (!this.enabled) {
      return;
    }
    await this.serialize(() => this.restoreAll());
    if (this.stop.signal.aborted) {
      return;
    }
    const name = `nestjs-backfill:ledger:${this.processId}`;
    this.interval = this.intervals.start(name, EVERY_MS, () => this.runInterval());
  }

  /** Writes what is not written yet, and stops. */
  async close(): Promise<void> {
    this.stop.abort();
    if (!this.interval) {
      return;
    }
    const stopped = this.interval.stop();
    await this.serializeWithin(MAX_WAIT_MS, async () => {
      await this.writer.writeHistory();
      if (await this.lease.acquire()) {
        await this.writer.writeCheckpoints(true);
      }
    });
    await endsWithin(stopped, MAX_WAIT_MS);
    await this.lease.release();
  }

  /** Writes the history; returns when it is written, after a second at the latest. */
  async flush(backfill?: string): Promise<void> {
    if (this.enabled) {
      await this.serializeWithin(MAX_WAIT_MS, () => this.writer.writeHistory(backfill));
    }
  }

  /** Restores the newest run of a backfill where Redis lost it. Called before each change of the backfill. */
  async recoverIfLost(backfill: string): Promise<void> {
    if (!this.enabled) {
      return;
    }
    const runId = await this.newestRunId(backfill);
    const present =
      runId === null
        ? await this.client.exists(this.keys.ledgerSynced)
        : await this.client.hexists(this.keys.run(runId), 'status');
    if (present === 1) {
      return;
    }
    try {
      await this.restore(backfill);
    } catch (error) {
      throw new BackfillStateError(
        `Redis lost the state of backfill "${backfill}", and the ledger cannot be read: ${String(error)}. ` +
          'Repeat the call when the database is reachable.',
        { cause: error },
      );
    }
  }

  /** Restores the runs of backfills whose run was detected as lost. */
  async recoverLost(backfills: readonly string[]): Promise<void> {
    for (const backfill of this.enabled ? backfills : []) {
      await this.serialize(async () => {
        const runId = await this.newestRunId(backfill);
        if (runId === null || (await this.client.hexists(this.keys.run(runId), 'status')) === 0) {
          await this.restore(backfill);
        }
      });
    }
  }

  /** Runs a query on the ledger; returns `null` where it is off or cannot be reached. */
  async read<T>(query: () => Promise<T>): Promise<T | null> {
    if (!this.enabled) {
      return null;
    }
    try {
      return await query();
    } catch (error) {
      this.warnUnreachable(error);
      return null;
    }
  }

  /** Syncs once, and writes checkpoints more often within the interval where a window is processed faster. */
  private async runInterval(): Promise<void> {
    const end = performance.now() + EVERY_MS;
    let waitMs = EVERY_MS;
    await this.serialize(async () => {
      waitMs = await this.sync();
    });
    while (!this.stop.signal.aborted && performance.now() + waitMs < end) {
      await sleep(waitMs, this.stop.signal);
      waitMs = EVERY_MS;
      await this.serialize(async () => {
        waitMs = await this.writer.writeCheckpoints();
      });
    }
  }

  /** Returns the ms after which the next checkpoint may be due. */
  private async sync(): Promise<number> {
    if (!(await this.lease.acquire())) {
      return EVERY_MS;
    }
    if ((await this.client.exists(this.keys.ledgerSynced)) === 0) {
      await this.restoreAll();
    }
    await this.writer.writeHistory();
    return this.writer.writeCheckpoints();
  }

  private async restoreAll(): Promise<void> {
    // Written before and copied after: where Redis loses its data meanwhile, the copy fails and all is restored again.
    const marker = `${this.keys.ledgerSynced}:${this.processId}`;
    await this.client.set(marker, '', 'PX', RESTORE_MS);
    await this.resumeRestored(await this.restorer.restoreAll());
    if ((await this.client.copy(marker, this.keys.ledgerSynced)) === 1) {
      await this.client.persist(this.keys.ledgerSynced);
    }
  }

  private async restore(backfill: string): Promise<void> {
    const run = await this.restorer.restore(backfill);
    await this.resumeRestored(run ? [run] : []);
  }

  private async resumeRestored(runs: readonly LedgerRun[]): Promise<void> {
    for (const { backfill, id, status } of runs) {
      await this.writer.save(id);
      if (status === 'running') {
        await this.resumer.resume(backfill, id);
      }
    }
  }

  private async newestRunId(backfill: string): Promise<string | null> {
    return (await this.runs.activeId(backfill)) ?? (await this.runs.newestId(backfill));
  }

  private async serializeWithin(ms: number, step: () => Promise<void>): Promise<void> {
    await endsWithin(this.serialize(step), ms);
  }

  /** Runs steps one at a time. Errors are logged and not thrown: an unreachable ledger does not stop a run. */
  private serialize(step: () => Promise<void>): Promise<void> {
    const next = this.runAfter(this.lastStep, step);
    this.lastStep = next;
    return next;
  }

  private async runAfter(previous: Promise<void>, step: () => Promise<void>): Promise<void> {
    await previous;
    try {
      // Most steps have nothing to write, so their success would not show that the database is reachable again.
      if (this.log.isFailing && (await this.checker.check()) !== null) {
        return;
      }
      await step();
      if (this.log.isFailing) {
        this.log.recover();
        this.logger.log('The ledger is reachable again and has caught up');
      }
    } catch (error) {
      this.warnUnreachable(error);
    }
  }

  private warnUnreachable(error: unknown): void {
    this.log.warn(
      `The ledger cannot be reached (${String(error)}); runs continue, and the ledger catches up when it is reachable`,
    );
  }
}
