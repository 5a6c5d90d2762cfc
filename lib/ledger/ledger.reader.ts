import { Injectable } from '@nestjs/common';
import type { FailurePage } from '../state/backfill-failure.js';
import type { BackfillRun } from '../state/backfill-run.js';
import { isLater } from '../state/event.stream.js';
import { parseFailure, toPublicFailure } from '../state/failure-record.js';
import type { BackfillHistoryEntry } from '../state/history.store.js';
import { BackfillLedger } from './backfill.ledger.js';
import { LedgerStore } from './ledger.store.js';
import { toHistoryEntry, toPublicChange, toPublicRun } from './to-ledger-rows.js';

/** Adds to what Redis still knows what the ledger kept. Redis is newer where both know something. */
@Injectable()
export class LedgerReader {
  constructor(
    private readonly ledger: BackfillLedger,
    private readonly store: LedgerStore,
  ) {}

  /** The runs of a backfill, newest first, with what was done to them. */
  async runs(backfill: string, limit: number, live: readonly BackfillRun[]): Promise<BackfillRun[]> {
    const kept = await this.ledger.read(() => this.store.runs(backfill, limit));
    if (!kept) {
      return [...live];
    }
    const runs = new Map(kept.map((row) => [row.id, toPublicRun(row)]));
    for (const run of live) {
      runs.set(run.id, run);
    }
    const newest = [...runs.values()].toSorted(
      (a, b) => compare(b.startedAt, a.startedAt) || compare(b.id, a.id),
    );
    return this.withChanges(newest.slice(0, limit));
  }

  /** One run, which Redis may have forgotten. */
  async run(backfill: string, runId: string, live: BackfillRun | null): Promise<BackfillRun | null> {
    const row = live ? null : await this.ledger.read(() => this.store.run(backfill, runId));
    const found = live ?? (row && toPublicRun(row));
    const [run] = await this.withChanges(found ? [found] : []);
    return run ?? null;
  }

  /** Failures of a run that Redis has forgotten. */
  async failures(
    backfill: string,
    runId: string,
    after: string | undefined,
    limit: number,
  ): Promise<FailurePage> {
    const page = await this.ledger.read(async () =>
      (await this.store.run(backfill, runId))
        ? this.store.failurePage(runId, Number(after ?? 0), limit + 1)
        : [],
    );
    const kept = page?.slice(0, limit) ?? [];
    const more = (page?.length ?? 0) > limit;
    return {
      items: kept.map(({ failureId, record }) => toPublicFailure(failureId, parseFailure(record))),
      next: more ? String(kept.at(-1)?.sequence) : null,
    };
  }

  /** What was done to a backfill, newest first. */
  async history(
    backfill: string,
    limit: number,
    live: readonly BackfillHistoryEntry[],
  ): Promise<BackfillHistoryEntry[]> {
    const kept = await this.ledger.read(() => this.store.changes(backfill, limit));
    const entries = new Map((kept ?? []).map((row) => [toHistoryEntry(row).id, toHistoryEntry(row)]));
    for (const entry of live) {
      entries.set(entry.id, entry);
    }
    return [...entries.values()].toSorted((a, b) => (isLater(a.id, b.id) ? -1 : 1)).slice(0, limit);
  }

  private async withChanges(runs: readonly BackfillRun[]): Promise<BackfillRun[]> {
    const changes = await this.ledger.read(() => this.store.changesOf(runs.map(({ id }) => id)));
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
