import type { EntityManager } from '@mikro-orm/core';
import { Injectable } from '@nestjs/common';
import { EntityManagers } from '../database/entity-managers.js';
import { BackfillKeys } from '../redis/backfill-keys.js';
import type { JsonValue } from '../sources/backfill-source.js';
import { asSqlManager } from '../sources/sql/sql-manager.js';
import type { HistoryPage } from '../state/history-request.js';
import type { BackfillHistoryEntry } from '../state/history.store.js';
import type { LedgerChange, LedgerCheckpoint, LedgerFailure, LedgerRun } from './ledger-rows.js';
import { ChangeSchema, CheckpointSchema, FailureSchema, RunSchema } from './ledger.entities.js';
import type { RunSnapshot, SnapshotFailure } from './run-snapshot.js';
import { toChange, toCheckpoint, toRow, withoutNul } from './to-ledger-rows.js';

const PAGE = 500;

/** What a lost run is restored from. */
export interface LedgerState {
  readonly run: LedgerRun;
  readonly checkpoint: LedgerCheckpoint;
}

/** Reads and writes the ledger in the database of the app. All writes are idempotent. */
@Injectable()
export class LedgerStore {
  constructor(
    private readonly managers: EntityManagers,
    private readonly keys: BackfillKeys,
  ) {}

  /** Prefix of the keys in Redis, which tells apart apps that share a database. */
  get scope(): string {
    return this.keys.prefix;
  }

  /** Sequence of the last failure in the checkpoint of a run; 0 without a checkpoint. */
  async failuresThrough(runId: string): Promise<number> {
    const found = await this.managers
      .fork()
      .findOne(CheckpointSchema, { runId }, { fields: ['failuresThrough'] });
    return found?.failuresThrough ?? 0;
  }

  /** Writes failures ahead of the checkpoint that they belong to. */
  async addFailures(runId: string, failures: readonly SnapshotFailure[]): Promise<void> {
    await insertFailures(this.managers.fork(), runId, failures);
  }

  /**
   * Writes a run and its checkpoint in one transaction; returns false, and writes nothing, where the ledger has a newer
   * one.
   *
   * @param config the config in force; written when the run is new
   */
  async save(snapshot: RunSnapshot, config: JsonValue): Promise<boolean> {
    const { run, revision, failures, retried } = snapshot;
    const row = toRow(snapshot, this.scope);
    return this.managers.fork().transactional(async (em) => {
      const { id, ...changing } = row;
      const changed = await em.nativeUpdate(RunSchema, { id, revision: { $lt: revision } }, changing);
      if (changed === 0) {
        if ((await em.count(RunSchema, { id })) > 0) {
          return false;
        }
        await em.insert(RunSchema, { ...row, config });
      }
      for (const { failureId, through } of retried) {
        await em.nativeDelete(FailureSchema, { runId: run.id, failureId, sequence: { $lte: through } });
      }
      await insertFailures(em, run.id, failures);
      await em.upsert(CheckpointSchema, toCheckpoint(snapshot));
      return true;
    });
  }

  /** Marks a lost run as cancelled that can no longer be restored, because another run is active. */
  async supersede(runId: string): Promise<void> {
    await this.managers.fork().nativeUpdate(
      RunSchema,
      { id: runId, status: { $in: ['running', 'paused'] } },
      {
        status: 'cancelled',
        statusReason: 'Lost by Redis, and another run was started before it was restored',
        finishedAt: new Date(),
      },
    );
  }

  /** Writes history entries that are not in the ledger yet. */
  async addChanges(entries: readonly BackfillHistoryEntry[]): Promise<void> {
    for (let at = 0; at < entries.length; at += PAGE) {
      const rows = entries.slice(at, at + PAGE).map((entry) => toChange(entry, this.scope));
      await this.managers.fork().upsertMany(ChangeSchema, rows, { onConflictAction: 'ignore' });
    }
  }

  /** The newest run of a backfill and its checkpoint. */
  async newest(backfill: string): Promise<LedgerState | null> {
    const em = this.managers.fork();
    const where = { scope: this.scope, backfill };
    const run = await em.findOne(RunSchema, where, { orderBy: { startedAt: 'desc', id: 'desc' } });
    const checkpoint = run && (await em.findOne(CheckpointSchema, { runId: run.id }));
    return run && checkpoint ? { run, checkpoint } : null;
  }

  /** Names of the backfills with a run or a change in the ledger; `null` where the driver cannot tell them by one query. */
  async backfills(): Promise<ReadonlySet<string> | null> {
    const sql = asSqlManager(this.managers.fork());
    if (!sql) {
      return null;
    }
    const names = await Promise.all(
      [RunSchema, ChangeSchema].map((entity) => {
        const query = sql
          .createQueryBuilder(entity, 'l')
          .select('backfill', true)
          .where({ scope: this.scope });
        return sql.execute(query.getFormattedQuery());
      }),
    );
    return new Set(names.flat().map(({ backfill }) => String(backfill)));
  }

  /** Names of the backfills with an active run. */
  async active(): Promise<string[]> {
    const found = await this.managers
      .fork()
      .find(
        RunSchema,
        { scope: this.scope, status: { $in: ['running', 'paused'] } },
        { fields: ['id', 'backfill'] },
      );
    return found.map(({ backfill }) => backfill);
  }

  /** The runs of a backfill, newest first. */
  async runs(backfill: string, limit: number): Promise<LedgerRun[]> {
    return this.managers
      .fork()
      .find(
        RunSchema,
        { scope: this.scope, backfill },
        { orderBy: { startedAt: 'desc', id: 'desc' }, limit },
      );
  }

  async run(backfill: string, id: string): Promise<LedgerRun | null> {
    return this.managers.fork().findOne(RunSchema, { id, backfill, scope: this.scope });
  }

  /**
   * What the table of runs has no column for, by run: the fields of their checkpoints, as Redis stores them.
   */
  async states(runIds: readonly string[]): Promise<Map<string, LedgerCheckpoint['state']>> {
    const found = await this.managers.fork().find(CheckpointSchema, { runId: { $in: [...runIds] } });
    return new Map(found.map(({ runId, state }) => [runId, state]));
  }

  /** The changes of these runs, oldest first. */
  async changesOf(runIds: readonly string[]): Promise<LedgerChange[]> {
    return runIds.length === 0
      ? []
      : this.managers
          .fork()
          .find(ChangeSchema, { runId: { $in: [...runIds] } }, { orderBy: { at: 'asc', id: 'asc' } });
  }

  /**
   * The newest changes of a backfill that a request selects, newest first by their time. Of the last time there are all:
   * their order is that of the numbers in their ids, which the database does not know.
   */
  async changes(backfill: string, page: HistoryPage): Promise<LedgerChange[]> {
    const { limit, before, types, runId } = page;
    const where = {
      scope: this.scope,
      backfill,
      ...(types === undefined ? {} : { kind: { $in: [...types] } }),
      ...(runId === undefined ? {} : { runId }),
    };
    const em = this.managers.fork();
    const until = before === undefined ? null : timeOf(before);
    const [sameTime, older] = await Promise.all([
      until ? em.find(ChangeSchema, { ...where, at: until }) : [],
      em.find(
        ChangeSchema,
        { ...where, ...(until ? { at: { $lt: until } } : {}) },
        { orderBy: { at: 'desc', id: 'desc' }, limit },
      ),
    ]);
    const last = older.length === limit ? older.at(-1)?.at : undefined;
    const ofLastTime = last ? await em.find(ChangeSchema, { ...where, at: last }) : [];
    const changes = new Map([...sameTime, ...older, ...ofLastTime].map((change) => [change.id, change]));
    return [...changes.values()];
  }

  /** The changes of the config of a backfill, or of the budget, oldest first, page by page. */
  async *configChanges(
    backfill: string,
    kind: 'configured' | 'budgetConfigured' = 'configured',
  ): AsyncGenerator<LedgerChange[]> {
    const where = { scope: this.scope, backfill, kind };
    for (let offset = 0; ; offset += PAGE) {
      const page = await this.managers
        .fork()
        .find(ChangeSchema, where, { orderBy: { at: 'asc', id: 'asc' }, limit: PAGE, offset });
      yield page;
      if (page.length < PAGE) {
        return;
      }
    }
  }

  /** The failures of a checkpoint, oldest first, page by page. */
  async *failures({ runId, failuresThrough }: LedgerCheckpoint): AsyncGenerator<LedgerFailure[]> {
    let after = 0;
    for (;;) {
      const page = await this.failurePage(runId, after, PAGE, failuresThrough);
      yield page;
      if (page.length < PAGE) {
        return;
      }
      after = page.at(-1)?.sequence ?? after;
    }
  }

  /** Failures of a run after a sequence, oldest first. */
  async failurePage(
    runId: string,
    after: number,
    limit: number,
    through = Number.MAX_SAFE_INTEGER,
  ): Promise<LedgerFailure[]> {
    return this.managers
      .fork()
      .find(
        FailureSchema,
        { runId, sequence: { $gt: after, $lte: through } },
        { orderBy: { sequence: 'asc' }, limit },
      );
  }

  /** Failures of a run before a sequence, newest first. */
  async newestFailures(runId: string, before: number | undefined, limit: number): Promise<LedgerFailure[]> {
    return this.managers
      .fork()
      .find(
        FailureSchema,
        { runId, sequence: { $lt: before ?? Number.MAX_SAFE_INTEGER } },
        { orderBy: { sequence: 'desc' }, limit },
      );
  }

  /** Deletes failures that were written ahead of a checkpoint that was never written. */
  async dropFailures(runId: string, after: number, before: number): Promise<void> {
    await this.managers.fork().nativeDelete(FailureSchema, { runId, sequence: { $gt: after, $lt: before } });
  }
}

/** The time in the id of a history entry. */
function timeOf(entryId: string): Date {
  return new Date(Number(entryId.split('-')[0]));
}

async function insertFailures(
  em: EntityManager,
  runId: string,
  failures: readonly SnapshotFailure[],
): Promise<void> {
  for (let at = 0; at < failures.length; at += PAGE) {
    const rows = failures
      .slice(at, at + PAGE)
      .map(({ sequence, failureId, record }) => ({ runId, sequence, failureId, record: withoutNul(record) }));
    await em.upsertMany(FailureSchema, rows, { onConflictAction: 'ignore' });
  }
}
