import { Injectable } from '@nestjs/common';
import { BackfillConflictError } from '../errors/backfill-conflict.error.js';
import type { DeclaredBackfill } from '../handlers/registered-backfill.js';
import { RunStarter } from '../planning/run.starter.js';
import { RedisClock } from '../redis/redis.clock.js';
import type { BackfillRun } from '../state/backfill-run.js';
import type { RunReceipt, UndoOptions } from '../state/run-actions.js';
import { WorkerHeartbeats } from '../state/worker.heartbeats.js';
import { RunController } from '../supervision/run.controller.js';
import { JournalStore } from './journal.store.js';

/** Starts a run that undoes another. */
@Injectable()
export class UndoStarter {
  constructor(
    private readonly starter: RunStarter,
    private readonly controller: RunController,
    private readonly heartbeats: WorkerHeartbeats,
    private readonly clock: RedisClock,
    private readonly store: JournalStore,
  ) {}

  /** Cancels the run first where it is paused. */
  async start(backfill: DeclaredBackfill, run: BackfillRun, options: UndoOptions): Promise<RunReceipt> {
    const { name, reversal } = backfill;
    if (!reversal) {
      throw refusal(
        name,
        run,
        'its handler has no option undo. Add it to @Backfill: the runs after that can be undone',
      );
    }
    await this.assertUndoable(backfill, run);
    const { by, reason } = options;
    const startedBy = by === undefined ? {} : { startedBy: by };
    const why = reason === undefined ? {} : { reason };
    if (['paused', 'cancelled'].includes(run.status)) {
      await this.assertIdle(name, run);
    }
    if (run.status === 'paused') {
      await this.controller.cancel(name, {
        ...(by === undefined ? {} : { by }),
        reason: reason ?? 'Cancelled to be undone',
      });
    }
    return this.starter.start(reversal, { ...startedBy, ...why, from: run.id, verify: false }, run.id);
  }

  private async assertUndoable(backfill: DeclaredBackfill, run: BackfillRun): Promise<void> {
    const { name } = backfill;
    if (run.undoes !== null) {
      throw refusal(name, run, `it is the undo of run ${run.undoes}. Start the backfill again instead`);
    }
    if (run.dryRun) {
      throw refusal(name, run, 'it was a dry run, which has written nothing');
    }
    if (!['paused', 'completed', 'failed', 'cancelled'].includes(run.status)) {
      throw refusal(name, run, `it is ${run.status}. Pause or cancel it first`);
    }
    const open = await this.store.openRows(run.id, backfill);
    if (open === null) {
      throw refusal(
        name,
        run,
        'there is no journal of it: it wrote nothing, it was started without undo, or undo.keepDays are over',
      );
    }
    if (!open) {
      throw refusal(
        name,
        run,
        'its journal has no row that is not settled. undoConflicts lists those that were left',
      );
    }
  }

  /** A handler that still runs may write rows behind the cursor of the undo. */
  private async assertIdle(name: string, run: BackfillRun): Promise<void> {
    const working = await this.heartbeats.workers(name, await this.clock.now());
    if (working.length > 0) {
      throw refusal(
        name,
        run,
        `ranges of it may still be in flight in ${working.length === 1 ? 'a process' : `${working.length} processes`}. ` +
          'Repeat it in a few seconds',
      );
    }
  }
}

function refusal(backfill: string, { id }: BackfillRun, why: string): BackfillConflictError {
  return new BackfillConflictError(`Run ${id} of backfill "${backfill}" cannot be undone: ${why}.`);
}
