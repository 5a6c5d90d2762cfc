import { Injectable, Inject } from '@nestjs/common';
import { ConfigStore } from '../config/config.store.js';
import { BackfillConfigError } from '../errors/backfill-config.error.js';
import { BackfillRegistry } from '../handlers/backfill.registry.js';
import { BackfillKeys } from '../redis/backfill-keys.js';
import type { RedisClient } from '../redis/lua-script.js';
import { REDIS_CLIENT } from '../redis/redis-connections.js';
import type { JsonValue } from '../sources/backfill-source.js';
import { HistoryStore } from '../state/history.store.js';
import { RunStore } from '../state/run.store.js';
import { LedgerStore } from './ledger.store.js';
import { RunSnapshots } from './run-snapshot.js';

const EVERY_MS = 10_000;
/** A window that is done faster than this is repeated in part. */
const SOONEST_MS = 100;
const LATEST_MS = 1_000;
/** A checkpoint of more entries than this is taken less often: it is the whole window each time. */
const LARGE = 5_000;
const PAGE = 200;

/** How far a run was when its checkpoint was taken. */
interface Mark {
  /** Of this process, monotonic. */
  readonly at: number;
  readonly settled: number;
  readonly signature: string;
  readonly work: number;
}

/** Writes into the ledger what happens in Redis. */
@Injectable()
export class LedgerWriter {
  private readonly marks = new Map<string, Mark>();
  /** A run may be that of a handler which the code no longer has. */
  private readonly names = new Set<string>();

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

  /** Writes what was done since the last time, and the runs to which it was done. */
  async writeHistory(also?: string): Promise<void> {
    for (const name of [
      ...this.registry.all().map(({ name }) => name),
      ...(also === undefined ? [] : [also]),
    ]) {
      this.names.add(name);
    }
    const names = [...this.names];
    const positions = names.length > 0 ? await this.client.hmget(this.keys.ledgerPosition, ...names) : [];
    const pages = await this.history.after(
      names.map((name, i) => [name, positions[i] ?? '0-0']),
      PAGE,
    );
    for (const [name, first] of pages) {
      let page = first;
      while (page.length > 0) {
        await this.store.addChanges(page);
        const touched = new Set(page.flatMap(({ runId }) => (runId === null ? [] : [runId])));
        for (const runId of touched) {
          await this.save(runId);
        }
        const last = page.at(-1)?.id ?? '0-0';
        await this.client.hset(this.keys.ledgerPosition, name, last);
        page = page.length < PAGE ? [] : ((await this.history.after([[name, last]], PAGE)).get(name) ?? []);
      }
    }
  }

  /**
   * Takes the checkpoints that are due: every ten seconds, and whenever a quarter of the window was done.
   * Answers the ms after which the next quarter of some window may be.
   *
   * @param all also those that are not due, where something was done since
   */
  async writeCheckpoints(all = false): Promise<number> {
    let next = LATEST_MS;
    const active = await this.runs.active();
    for (const [backfill, runId] of active) {
      this.names.add(backfill);
      const { due, changed, nextMs } = await this.look(runId);
      if (due || (all && changed)) {
        await this.save(runId);
      }
      next = Math.min(next, nextMs);
    }
    for (const runId of this.marks.keys()) {
      if (!active.some(([, id]) => id === runId)) {
        this.marks.delete(runId);
      }
    }
    return Math.max(SOONEST_MS, next);
  }

  /** Writes a run as it is now, with everything that it needs to go on from here. */
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
      settled: done + failed,
      signature: signatureOf([status, done, failed, planned].map(String)),
      work: snapshot.work.length,
    });
  }

  private async look(runId: string): Promise<{ due: boolean; changed: boolean; nextMs: number }> {
    const [status, done, failed, planned, target] = await this.client.hmget(
      this.keys.run(runId),
      'status',
      'done',
      'failed',
      'planned',
      'target',
    );
    const mark = this.marks.get(runId);
    const changed = signatureOf([status, done, failed, planned].map(String)) !== mark?.signature;
    if (!status || !mark) {
      return { due: Boolean(status), changed, nextMs: LATEST_MS };
    }
    const settled = Math.abs(Number(done) + Number(failed) - mark.settled);
    const quarter = Math.max(1, Number(target) / 4);
    const elapsed = performance.now() - mark.at;
    const late = elapsed >= EVERY_MS * Math.max(1, mark.work / LARGE);
    return {
      due: changed && (settled >= quarter || late),
      changed,
      nextMs: settled > 0 ? (elapsed * quarter) / settled : LATEST_MS,
    };
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
      // The run is paused for it and says so.
      return { corrupt: error.message };
    }
  }
}

function signatureOf(values: readonly string[]): string {
  return values.join('|');
}
