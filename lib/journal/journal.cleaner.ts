import { Inject, Injectable, Logger } from '@nestjs/common';
import { LogOnce } from '../async/log-once.js';
import type { DatabaseUser } from '../database/entity-managers.js';
import { BackfillRegistry } from '../handlers/backfill.registry.js';
import { BackfillKeys } from '../redis/backfill-keys.js';
import { PROCESS_ID } from '../redis/process-id.js';
import { REDIS_CLIENT } from '../redis/redis-connections.js';
import type { RedisClient } from '../redis/redis-connections.js';
import { RedisLease } from '../redis/redis.lease.js';
import { HoldStore } from '../state/hold.store.js';
import { RunStore } from '../state/run.store.js';
import { AppIntervals } from '../supervision/app-intervals.js';
import type { AppInterval } from '../supervision/app-intervals.js';
import { JournalStore } from './journal.store.js';

const EVERY_MS = 10_000;
const LEASE_MS = 15_000;
/** Rows that one statement removes, which takes milliseconds. */
const ROWS_AT_ONCE = 1_000;
/** Most statements of an interval. */
const STATEMENTS = 20;

/** Removes journals whose `keepDays` are over, a few rows at a time, in one process of the app. */
@Injectable()
export class JournalCleaner {
  private readonly log = new LogOnce(new Logger('Backfill'));
  private readonly lease: RedisLease;
  private interval: AppInterval | undefined;
  private closing = false;

  constructor(
    @Inject(REDIS_CLIENT) client: RedisClient,
    keys: BackfillKeys,
    @Inject(PROCESS_ID) private readonly processId: string,
    private readonly intervals: AppIntervals,
    private readonly registry: BackfillRegistry,
    private readonly runs: RunStore,
    private readonly store: JournalStore,
    private readonly holds: HoldStore,
  ) {
    this.lease = new RedisLease(client, keys.journalLease, processId, LEASE_MS);
  }

  /** Does nothing in an app without the entities of the journal. */
  open(): void {
    if (this.databases().length > 0) {
      const name = `nestjs-backfill:journal:${this.processId}`;
      this.interval = this.intervals.start(name, EVERY_MS, () => this.runInterval());
    }
  }

  async close(): Promise<void> {
    this.closing = true;
    await this.interval?.stop();
    if (this.interval) {
      await this.lease.release();
    }
  }

  /**
   * Removes rows of journals that were to be kept until then. Returns how many.
   *
   * @throws the error of a database, once those of the others are removed
   */
  async clean(now: Date): Promise<number> {
    const used = [...(await this.usedRuns())];
    const cleaned = this.databases().map((database) => this.cleanDatabase(database, now, used));
    await Promise.allSettled(cleaned);
    return (await Promise.all(cleaned)).reduce((sum, removed) => sum + removed, 0);
  }

  private async cleanDatabase(database: DatabaseUser, now: Date, used: readonly string[]): Promise<number> {
    let removed = 0;
    for (const runId of await this.store.expired(database, now, used)) {
      for (let rows = ROWS_AT_ONCE; rows === ROWS_AT_ONCE; removed += rows) {
        if (this.closing || removed >= STATEMENTS * ROWS_AT_ONCE) {
          return removed;
        }
        rows = await this.store.removeRows(database, runId, ROWS_AT_ONCE);
      }
      await this.store.remove(database, runId);
    }
    return removed;
  }

  /** One backfill of each database that has journals. */
  private databases(): readonly DatabaseUser[] {
    const journaled = this.registry.all().filter((each) => each.undo && this.store.isMapped(each));
    return [...new Map(journaled.map((each) => [each.contextName, each])).values()];
  }

  private async runInterval(): Promise<void> {
    try {
      // A hold of all runs is for the database, too.
      if ((await this.lease.acquire()) && (await this.holds.read()) === null) {
        await this.clean(new Date());
      }
      this.log.recover();
    } catch (error) {
      this.log.warn(`Old journals cannot be removed: ${String(error)}`);
    }
  }

  /** Active runs, and those that active runs undo. */
  private async usedRuns(): Promise<Set<string>> {
    const used = new Set<string>();
    for (const [, id] of await this.runs.active()) {
      used.add(id);
      const undoes = (await this.runs.read(id))?.undoes;
      if (undoes) {
        used.add(undoes);
      }
    }
    return used;
  }
}
