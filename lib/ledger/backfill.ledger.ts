import { Injectable, Inject, Logger } from '@nestjs/common';
import { LogOnce } from '../async/log-once.js';
import { sleep } from '../async/sleep.js';
import { endsWithin } from '../async/timeout.js';
import { RESOLVED_OPTIONS } from '../config/module-options.js';
import type { ResolvedModuleOptions } from '../config/module-options.js';
import { BackfillStateError } from '../errors/backfill-state.error.js';
import { BackfillKeys } from '../redis/backfill-keys.js';
import type { RedisClient } from '../redis/lua-script.js';
import { PROCESS_ID } from '../redis/process-id.js';
import { REDIS_CLIENT } from '../redis/redis-connections.js';
import { RunStore } from '../state/run.store.js';
import { AppIntervals } from '../supervision/app-intervals.js';
import type { AppInterval } from '../supervision/app-intervals.js';
import { RunResumer } from '../supervision/run.resumer.js';
import type { LedgerRun } from './ledger-rows.js';
import { LedgerChecker } from './ledger.checker.js';
import { LedgerWriter } from './ledger.writer.js';
import { RunRestorer } from './run.restorer.js';

const EVERY_MS = 1_000;
/** A holder that died is followed by another process after this. */
const LEASE_MS = 3_000;
/** An action never waits longer for a slow database: what it did is written later. */
const LONGEST_WAIT_MS = 1_000;
/** All runs are put back within this, or another process begins anew. */
const RESTORE_MS = 60_000;

/**
 * The durable ledger (`ledger: true`): what happens in Redis is kept in the app's database, and a run that
 * Redis lost is made again from there. Does nothing where it is off. One process writes at a time, so that
 * the database has little to do; two that write at once do no harm.
 */
@Injectable()
export class BackfillLedger {
  private readonly logger = new Logger('Backfill');
  private turn: Promise<void> = Promise.resolve();
  private interval: AppInterval | undefined;
  private readonly stop = new AbortController();
  private readonly log = new LogOnce(this.logger);

  constructor(
    @Inject(RESOLVED_OPTIONS) private readonly options: ResolvedModuleOptions,
    @Inject(REDIS_CLIENT) private readonly client: RedisClient,
    private readonly keys: BackfillKeys,
    @Inject(PROCESS_ID) private readonly processId: string,
    private readonly intervals: AppIntervals,
    private readonly checker: LedgerChecker,
    private readonly writer: LedgerWriter,
    private readonly restorer: RunRestorer,
    private readonly runs: RunStore,
    private readonly resumer: RunResumer,
  ) {}

  get enabled(): boolean {
    return this.options.ledger;
  }

  /** Throws `BackfillDefinitionError` where entities or tables are missing. */
  async check(): Promise<void> {
    if (this.enabled) {
      const unreachable = await this.checker.check();
      if (unreachable !== null) {
        this.complain(unreachable);
      }
    }
  }

  /** Puts back what Redis lost while no process ran, and begins to write. */
  async open(): Promise<void> {
    if (!this.enabled) {
      return;
    }
    await this.quietly(() => this.restoreAll());
    const name = `nestjs-backfill:ledger:${this.processId}`;
    this.interval = this.intervals.start(name, EVERY_MS, () => this.second());
  }

  /** Writes what is left to write, and ends. */
  async close(): Promise<void> {
    if (!this.interval) {
      return;
    }
    const stopped = this.interval.stop();
    this.stop.abort();
    await this.inTime(async () => {
      await this.writer.writeHistory();
      if (await this.acquireLease()) {
        await this.writer.writeCheckpoints(true);
      }
    });
    await endsWithin(stopped, LONGEST_WAIT_MS);
    if ((await this.client.get(this.keys.ledgerLease)) === this.processId) {
      await this.client.unlink(this.keys.ledgerLease);
    }
  }

  /** Returns when what was just done is kept, at the latest after a second. */
  async flush(backfill?: string): Promise<void> {
    if (this.enabled) {
      await this.inTime(() => this.writer.writeHistory(backfill));
    }
  }

  /** Puts the newest run of a backfill back where Redis lost it: before anything is done to it. */
  async recoverIfLost(backfill: string): Promise<void> {
    if (!this.enabled) {
      return;
    }
    const runId = await this.runOf(backfill);
    const present =
      runId === null
        ? await this.client.exists(this.keys.ledgerSynced)
        : await this.client.hexists(this.keys.run(runId), 'status');
    if (present === 1) {
      return;
    }
    try {
      await this.putBack(backfill);
    } catch (error) {
      throw new BackfillStateError(
        `Redis lost what it knew of backfill "${backfill}", and the ledger cannot be read: ${String(error)}. ` +
          'Try again as soon as the database answers.',
        { cause: error },
      );
    }
  }

  /** The same for backfills whose run was seen to be gone, whatever else Redis still has. */
  async recoverLost(backfills: readonly string[]): Promise<void> {
    for (const backfill of this.enabled ? backfills : []) {
      await this.quietly(async () => {
        const runId = await this.runOf(backfill);
        if (runId === null || (await this.client.hexists(this.keys.run(runId), 'status')) === 0) {
          await this.putBack(backfill);
        }
      });
    }
  }

  /** Answers what a reader makes of the ledger; `null` where it is off or cannot be read. */
  async read<T>(ask: () => Promise<T>): Promise<T | null> {
    if (!this.enabled) {
      return null;
    }
    try {
      return await ask();
    } catch (error) {
      this.complain(error);
      return null;
    }
  }

  /** What is done in one second: a window that lasts for less is followed more closely. */
  private async second(): Promise<void> {
    const end = performance.now() + EVERY_MS;
    let wait = EVERY_MS;
    await this.quietly(async () => {
      wait = await this.tick();
    });
    while (!this.stop.signal.aborted && performance.now() + wait < end) {
      await sleep(wait, this.stop.signal);
      wait = EVERY_MS;
      await this.quietly(async () => {
        wait = await this.writer.writeCheckpoints();
      });
    }
  }

  private async tick(): Promise<number> {
    if (!(await this.acquireLease())) {
      return EVERY_MS;
    }
    if ((await this.client.exists(this.keys.ledgerSynced)) === 0) {
      await this.restoreAll();
    }
    await this.writer.writeHistory();
    return this.writer.writeCheckpoints();
  }

  private async restoreAll(): Promise<void> {
    const begun = `${this.keys.ledgerSynced}:${this.processId}`;
    await this.client.set(begun, '', 'PX', RESTORE_MS);
    await this.goOn(await this.restorer.restoreAll());
    // Where Redis lost everything again meanwhile there is nothing to copy: then it is begun anew.
    if ((await this.client.copy(begun, this.keys.ledgerSynced)) === 1) {
      await this.client.persist(this.keys.ledgerSynced);
    }
  }

  private async runOf(backfill: string): Promise<string | null> {
    return (await this.runs.activeId(backfill)) ?? (await this.runs.newestId(backfill));
  }

  private async putBack(backfill: string): Promise<void> {
    const run = await this.restorer.restore(backfill);
    await this.goOn(run ? [run] : []);
  }

  private async inTime(step: () => Promise<void>): Promise<void> {
    await endsWithin(this.quietly(step), LONGEST_WAIT_MS);
  }

  private async acquireLease(): Promise<boolean> {
    if ((await this.client.get(this.keys.ledgerLease)) === this.processId) {
      await this.client.pexpire(this.keys.ledgerLease, LEASE_MS);
      return true;
    }
    return (await this.client.set(this.keys.ledgerLease, this.processId, 'PX', LEASE_MS, 'NX')) === 'OK';
  }

  private async goOn(restored: readonly LedgerRun[]): Promise<void> {
    for (const { backfill, id, status } of restored) {
      await this.writer.save(id);
      if (status === 'running') {
        await this.resumer.resume(backfill, id);
      }
    }
  }

  /** In turn, and never to the harm of the work. */
  private quietly(step: () => Promise<void>): Promise<void> {
    const next = this.afterwards(this.turn, step);
    this.turn = next;
    return next;
  }

  private async afterwards(before: Promise<void>, step: () => Promise<void>): Promise<void> {
    await before;
    try {
      if (this.log.isFailing) {
        // Most steps find nothing to write: that alone says nothing about the database.
        const unreachable = await this.checker.check();
        if (unreachable !== null) {
          return;
        }
      }
      await step();
      if (this.log.isFailing) {
        this.log.recover();
        this.logger.log('The ledger is written again, and caught up');
      }
    } catch (error) {
      this.complain(error);
    }
  }

  private complain(error: unknown): void {
    this.log.warn(
      `The ledger cannot be reached (${String(error)}); the run continues, and the ledger catches up when it can`,
    );
  }
}
