import { Injectable } from '@nestjs/common';
import type { DeclaredBackfill, RegisteredBackfill } from '../handlers/registered-backfill.js';
import { checkedSource } from '../sources/checked-source.js';
import { RunStore } from '../state/run.store.js';
import { JournalSource } from './journal.source.js';
import { UndoHandler } from './undo.handler.js';

/** Adds to each backfill with `undo` what works on the runs that undo its runs. */
@Injectable()
export class Reversals {
  constructor(private readonly runs: RunStore) {}

  /** The backfill with its reversal, which shares its name, config and throttles; the backfill itself without `undo`. */
  addTo(backfill: DeclaredBackfill): DeclaredBackfill {
    if (!backfill.undo) {
      return backfill;
    }
    const handler = new UndoHandler(async (runId, conflicts) => {
      await this.runs.count(runId, 'conflicts', conflicts);
    });
    const { declaredSource: _, ...handled } = backfill;
    const reversal: RegisteredBackfill = {
      ...handled,
      paramsSchema: undefined,
      source: checkedSource(new JournalSource(), backfill.name),
      shape: 'range',
      guard: 'none',
      undo: null,
      verify: null,
      verifiesRows: false,
      // The journal says what to write, whatever the version of the handler is.
      onOtherVersion: 'warn',
      resolve: () => Promise.resolve(handler),
    };
    return { ...backfill, reversal };
  }
}
