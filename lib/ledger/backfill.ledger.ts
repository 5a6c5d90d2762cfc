import type { Logger } from '@nestjs/common';
import type { SchedulerRegistry } from '@nestjs/schedule';
import { BackfillStateError } from '../errors/backfill-state.error.js';
import type { RedisClient } from '../redis/lua-script.js';
import { sleep } from '../async/sleep.js';
import type { RunResumer } from '../supervision/run.resumer.js';
import type { BackfillKeys } from '../redis/backfill-keys.js';
import type { RunStore } from '../state/run.store.js';
import type { LedgerChecker } from './ledger.checker.js';
import type { LedgerWriter } from './ledger.writer.js';
import type { LedgerRun } from './ledger-rows.js';
import type { RunRestorer } from './run.restorer.js';

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
export class BackfillLedger {
  private turn: Promise<void> = Promise.resolve();
  private timer = '';
  private ticking: Promise<void> | undefined;
  private readonly stop = new AbortController();
  private failing = false;

  constructor(
    readonly enabled: boolean,
    private readonly client: RedisClient,
    private readonly keys: BackfillKeys,
    private readonly processId: string,
    private readonly schedule: SchedulerRegistry,
    private readonly checker: LedgerChecker,
    private readonly writer: LedgerWriter,
    private readonly restorer: RunRestorer,
    private readonly runs: RunStore,
    private readonly resumer: RunResumer,
    private readonly logger: Logger,
  ) {}

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
    this.timer = `nestjs-backfill:ledger:${this.processId}`;
    const interval = setInterval(() => {
      this.ticking ??= this.second().finally(() => {
        this.ticking = undefined;
      });
    }, EVERY_MS);
    this.schedule.addInterval(this.timer, interval);
  }

  /** Writes what is left to write, and ends. */
  async close(): Promise<void> {
    if (this.timer === '') {
      return;
    }
    if (this.schedule.doesExist('interval', this.timer)) {
      this.schedule.deleteInterval(this.timer);
    }
    this.stop.abort();
    await this.inTime(async () => {
      await this.writer.writeHistory();
      if (await this.hasDuty()) {
        await this.writer.writeCheckpoints(true);
      }
    });
    await Promise.race([this.ticking, sleep(LONGEST_WAIT_MS)]);
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
    if (!(await this.hasDuty())) {
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
    const enough = new AbortController();
    await Promise.race([this.quietly(step), sleep(LONGEST_WAIT_MS, enough.signal)]);
    enough.abort();
  }

  private async hasDuty(): Promise<boolean> {
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
      if (this.failing) {
        // Most steps find nothing to write: that alone says nothing about the database.
        const unreachable = await this.checker.check();
        if (unreachable !== null) {
          return;
        }
      }
      await step();
      if (this.failing) {
        this.failing = false;
        this.logger.log('The ledger is written again, and caught up');
      }
    } catch (error) {
      this.complain(error);
    }
  }

  /** Said once: an outage is the same every second. */
  private complain(error: unknown): void {
    this.logger[this.failing ? 'debug' : 'warn'](
      `The ledger cannot be reached (${String(error)}); the work goes on, and it is caught up as soon as it can be`,
    );
    this.failing = true;
  }
}
