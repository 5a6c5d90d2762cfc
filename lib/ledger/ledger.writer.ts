import { Injectable, Inject } from '@nestjs/common';
import { ConfigStore } from '../config/config.store.js';
import { BackfillConfigError } from '../errors/backfill-config.error.js';
import { BackfillRegistry } from '../handlers/backfill.registry.js';
import { BackfillKeys } from '../redis/backfill-keys.js';
import { REDIS_CLIENT } from '../redis/redis-connections.js';
import type { RedisClient } from '../redis/redis-connections.js';
import type { JsonValue } from '../sources/backfill-source.js';
import { EVERY_BACKFILL } from '../state/global-hold.js';
import { HistoryStore } from '../state/history.store.js';
import type { BackfillHistoryEntry } from '../state/history.store.js';
import type { StoredRunStatus } from '../state/run-status.js';
import { RunStore } from '../state/run.store.js';
import { checkpointState } from './checkpoint-state.js';
import type { CheckpointMark, CheckpointState, RunProgress } from './checkpoint-state.js';
import { LedgerStore } from './ledger.store.js';
import { RunSnapshots } from './run-snapshot.js';

/** Bounds of the time between two checks. A window processed faster than the lower one is repeated in part. */
const MIN_CHECK_MS = 100;
const MAX_CHECK_MS = 1_000;
const PAGE = 200;

/** Writes history, runs and checkpoints to the ledger. */
@Injectable()
export class LedgerWriter {
  private readonly marks = new Map<string, CheckpointMark>();
  /** Includes backfills with a run whose handler was removed from the app. */
  private readonly backfills = new Set<string>();

  constructor(
    @Inject(REDIS_CLIENT) private readonly client: RedisClient,
    private readonly keys: BackfillKeys,
    private readonly registry: BackfillRegistry,
    private readonly runs: RunStore,
    private readonly configs: ConfigStore,
    private readonly history: HistoryStore,
    private readonly snapshots: RunSnapshots,
    private readonly store: LedgerStore,
  ) {}

  /**
   * Writes the history entries since the last call, and the runs that they concern.
   *
   * @param backfill included even if it has no handler
   */
  async writeHistory(backfill?: string): Promise<void> {
    for (const { name } of this.registry.all()) {
      this.backfills.add(name);
    }
    // The limits of the budget are restored from the history of all backfills.
    this.backfills.add(EVERY_BACKFILL);
    if (backfill !== undefined) {
      this.backfills.add(backfill);
    }
    let behind: readonly string[] = [...this.backfills];
    while (behind.length > 0) {
      const pages = await this.history.unwritten(behind, PAGE);
      for (const [name, page] of pages) {
        await this.writePage(name, page);
      }
      behind = [...pages].flatMap(([name, page]) => (page.length < PAGE ? [] : [name]));
    }
  }

  /**
   * Takes the checkpoints that are due: every ten seconds, and whenever a quarter of the window was processed.
   * Returns the ms after which the next one may be due.
   *
   * @param all takes the checkpoints of all runs that changed, due or not
   */
  async writeCheckpoints(all = false): Promise<number> {
    let next = MAX_CHECK_MS;
    const active = await this.runs.active();
    for (const [backfill, runId] of active) {
      this.backfills.add(backfill);
      const state = await this.checkpointState(runId);
      if (state && (state.due || (all && state.changed))) {
        await this.save(runId);
      }
      next = Math.min(next, state?.nextMs ?? MAX_CHECK_MS);
    }
    for (const runId of this.marks.keys()) {
      if (!active.some(([, id]) => id === runId)) {
        this.marks.delete(runId);
      }
    }
    return Math.max(MIN_CHECK_MS, next);
  }

  /** Writes a run in its current state with a checkpoint that it can be restored from. */
  async save(runId: string): Promise<void> {
    let after = await this.store.failuresThrough(runId);
    let snapshot = await this.snapshots.take(runId, after);
    while (snapshot?.more) {
      await this.store.addFailures(runId, snapshot.failures);
      after = snapshot.failures.at(-1)?.sequence ?? after;
      snapshot = await this.snapshots.take(runId, after);
    }
    if (!snapshot) {
      return;
    }
    if (await this.store.save(snapshot, await this.configOf(snapshot.run.name))) {
      await this.snapshots.forgetRetried(runId, snapshot.retriedThrough);
    }
    const { status, done, failed, planned } = snapshot.run;
    this.marks.set(runId, {
      at: performance.now(),
      progress: { status, done, failed, planned },
      outstanding: snapshot.work.length,
    });
  }

  private async writePage(backfill: string, page: readonly BackfillHistoryEntry[]): Promise<void> {
    await this.store.addChanges(page);
    const runIds = new Set(page.flatMap(({ runId }) => (runId === null ? [] : [runId])));
    for (const runId of runIds) {
      await this.save(runId);
    }
    await this.client.hset(this.keys.ledgerPosition, backfill, page.at(-1)?.id ?? '0-0');
  }

  /** `null` where Redis lost the run. */
  private async checkpointState(runId: string): Promise<CheckpointState | null> {
    const [status, done, failed, planned, target] = await this.client.hmget(
      this.keys.run(runId),
      'status',
      'done',
      'failed',
      'planned',
      'target',
    );
    if (!status) {
      return null;
    }
    const progress: RunProgress = {
      status: status as StoredRunStatus,
      done: Number(done),
      failed: Number(failed),
      planned: Number(planned),
    };
    return checkpointState(this.marks.get(runId), progress, Number(target), performance.now());
  }

  private async configOf(backfill: string): Promise<JsonValue> {
    const registered = this.registry.find(backfill);
    if (!registered) {
      return null;
    }
    try {
      const { config } = await this.configs.read(backfill, registered.defaults);
      return JSON.parse(JSON.stringify(config)) as JsonValue;
    } catch (error) {
      if (!(error instanceof BackfillConfigError)) {
        throw error;
      }
      // The watchdog pauses the run for the same reason.
      return { corrupt: error.message };
    }
  }
}
