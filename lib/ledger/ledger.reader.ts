import { Injectable } from '@nestjs/common';
import { BackfillNotFoundError } from '../errors/backfill-not-found.error.js';
import type { BackfillRun } from '../state/backfill-run.js';
import { isLater } from '../state/event-entry.js';
import { parseHistoryRequest } from '../state/history-request.js';
import type { HistoryRequest } from '../state/history-request.js';
import { HistoryStore } from '../state/history.store.js';
import type { BackfillHistoryEntry } from '../state/history.store.js';
import { RunStore } from '../state/run.store.js';
import { StatusReader } from '../status/status.reader.js';
import { BackfillLedger } from './backfill.ledger.js';
import type { LedgerRun } from './ledger-rows.js';
import { LedgerStore } from './ledger.store.js';
import { toHistoryEntry, toPublicChange, toPublicRun } from './to-ledger-rows.js';

/** Reads runs and history from Redis, and from the ledger what Redis no longer has. Redis is never older. */
@Injectable()
export class LedgerReader {
  constructor(
    private readonly ledger: BackfillLedger,
    private readonly ledgerStore: LedgerStore,
    private readonly runStore: RunStore,
    private readonly historyStore: HistoryStore,
    private readonly statusReader: StatusReader,
  ) {}

  /** The runs of a backfill with their changes, newest first. */
  async runs(backfill: string, limit: number): Promise<BackfillRun[]> {
    const live = await this.statusReader.runs(backfill, limit);
    const stored = await this.ledger.read(async () =>
      this.toPublicRuns(await this.ledgerStore.runs(backfill, limit)),
    );
    if (!stored) {
      return live;
    }
    const runs = new Map([...stored, ...live].map((run) => [run.id, run]));
    const newest = [...runs.values()].toSorted(
      (a, b) => compare(b.startedAt, a.startedAt) || compare(b.id, a.id),
    );
    return this.withChanges(newest.slice(0, limit));
  }

  /** One run with its changes; throws `BackfillNotFoundError` where the backfill has none of that id. */
  async run(backfill: string, runId: string): Promise<BackfillRun> {
    const record = await this.runStore.read(runId);
    const live = record?.name === backfill ? await this.statusReader.summary(record) : null;
    const stored = live
      ? null
      : await this.ledger.read(async () => {
          const row = await this.ledgerStore.run(backfill, runId);
          return this.toPublicRuns(row ? [row] : []);
        });
    const [run] = await this.withChanges(live ? [live] : (stored ?? []));
    if (!run) {
      throw new BackfillNotFoundError(`Backfill "${backfill}" has no run ${JSON.stringify(runId)}.`);
    }
    return run;
  }

  /** The entries of the history of a backfill that a request selects, newest first. */
  async history(backfill: string, request: number | HistoryRequest): Promise<BackfillHistoryEntry[]> {
    const page = parseHistoryRequest(backfill, request);
    const live = await this.historyStore.newest(backfill, page);
    const rows = (await this.ledger.read(() => this.ledgerStore.changes(backfill, page))) ?? [];
    const entries = new Map([...rows.map(toHistoryEntry), ...live].map((entry) => [entry.id, entry]));
    const { before, limit } = page;
    return [...entries.values()]
      .filter(({ id }) => before === undefined || isLater(before, id))
      .toSorted((a, b) => (isLater(a.id, b.id) ? -1 : 1))
      .slice(0, limit);
  }

  private async toPublicRuns(rows: readonly LedgerRun[]): Promise<BackfillRun[]> {
    const states = rows.length === 0 ? null : await this.ledgerStore.states(rows.map(({ id }) => id));
    return rows.map((row) => toPublicRun(row, states?.get(row.id) ?? {}));
  }

  private async withChanges(runs: readonly BackfillRun[]): Promise<BackfillRun[]> {
    const changes = await this.ledger.read(() => this.ledgerStore.changesOf(runs.map(({ id }) => id)));
    return runs.map((run) =>
      changes
        ? { ...run, changes: changes.filter(({ runId }) => runId === run.id).map(toPublicChange) }
        : run,
    );
  }
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
