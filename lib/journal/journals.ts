import { Injectable, Logger } from '@nestjs/common';
import { LogOnce } from '../async/log-once.js';
import { EntityManagers } from '../database/entity-managers.js';
import type { RegisteredBackfill } from '../handlers/registered-backfill.js';
import type { UndoSettings } from '../handlers/undo-options.js';
import { RunStore } from '../state/run.store.js';
import { RunBreaker } from '../supervision/run.breaker.js';
import { CommittedRows } from './committed-rows.js';
import type { CountRows } from './committed-rows.js';
import { JournalStore } from './journal.store.js';
import { journaledColumns } from './journaled-columns.js';
import type { RunJournal } from './run-journal.js';

const DAY_MS = 24 * 3_600_000;
/** The time until which a journal is kept moves on by this, while its run writes. */
const KEEP_STEP_MS = 3_600_000;

/** Creates the journals that the runs of this process write. */
@Injectable()
export class Journals {
  private readonly log = new LogOnce(new Logger('Backfill'));
  private readonly committed = new CommittedRows();

  constructor(
    private readonly store: JournalStore,
    private readonly managers: EntityManagers,
    private readonly runs: RunStore,
    private readonly breaker: RunBreaker,
  ) {}

  /** The journal of a run; `undefined` where its backfill has no `undo`. */
  of(backfill: RegisteredBackfill, runId: string): RunJournal | undefined {
    const { name, undo } = backfill;
    if (!undo) {
      return undefined;
    }
    const { keepDays } = undo;
    this.committed.listenTo(this.managers.ormOf(backfill).em);
    const count = this.counterOf(name, runId, undo);
    let openedAt = -Infinity;
    return {
      runId,
      backfill: name,
      columnsOf: journaledColumns(backfill, this.managers.fork(backfill)),
      open: async () => {
        const now = performance.now();
        if (now - openedAt >= KEEP_STEP_MS) {
          await this.store.keep(runId, backfill, new Date(Date.now() + keepDays * DAY_MS + KEEP_STEP_MS));
          openedAt = now;
        }
      },
      count: (em, rows) => (rows === 0 ? Promise.resolve() : this.committed.add(em, rows, count)),
    };
  }

  /** Rows that cannot be counted now, although they are committed, are counted with the next ones. */
  private counterOf(backfill: string, runId: string, { maxRows }: UndoSettings): CountRows {
    let uncounted = 0;
    let isFull = false;
    return async (committed) => {
      let rows = uncounted + committed;
      uncounted = 0;
      try {
        const total = await this.runs.count(runId, 'journaled', rows);
        rows = 0;
        if (total !== null && maxRows !== null && total >= maxRows && !isFull) {
          await this.breaker.pause(backfill, runId, fullReason(total, maxRows));
          isFull = true;
        }
        this.log.recover();
      } catch (error) {
        uncounted += rows;
        this.log.warn(
          `The rows in the journal of backfill "${backfill}" cannot be counted: ${String(error)}`,
        );
      }
    };
  }
}

function fullReason(rows: number, maxRows: number): string {
  return (
    `the journal for undo has ${rows} rows, and undo.maxRows is ${maxRows}. Raise or remove maxRows and deploy, then ` +
    'resume; or cancel the run, or undo it'
  );
}
