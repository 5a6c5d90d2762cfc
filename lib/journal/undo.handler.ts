import type { EntityManager } from '@mikro-orm/core';
import type { BackfillContext } from '../handlers/backfill-context.js';
import type { RangeHandler } from '../handlers/handlers.js';
import type { BackfillRange } from '../sources/backfill-source.js';
import type { JournalRange } from './journal.source.js';
import { readTable, withTables } from './journaled-table.js';
import { readContent, settleRest, undoRows } from './undo-statements.js';

/** Undoes the rows of a range of a journal in one transaction. A repeated call finds them settled. */
export class UndoHandler implements RangeHandler<BackfillRange & JournalRange> {
  /** @param countConflicts called with the conflicts of a range, once they are committed */
  constructor(private readonly countConflicts: (runId: string, conflicts: number) => Promise<void>) {}

  async processRange(range: BackfillRange & JournalRange, { em, runId }: BackfillContext): Promise<void> {
    const undo = async (inner: EntityManager): Promise<number> => {
      const rows = { range, table: await readTable(inner, range.table), undoneBy: runId };
      const content = await readContent(inner, rows);
      await undoRows(inner, rows, content);
      return settleRest(inner, rows, content);
    };
    const conflicts = await withTables(em, () => em.transactional(undo));
    if (conflicts > 0) {
      await this.countConflicts(runId, conflicts);
    }
  }
}
