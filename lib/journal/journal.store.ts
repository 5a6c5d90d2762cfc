import { Injectable } from '@nestjs/common';
import { allMetadata } from '../database/all-metadata.js';
import { EntityManagers } from '../database/entity-managers.js';
import type { DatabaseUser } from '../database/entity-managers.js';
import type { HandledBackfill } from '../handlers/registered-backfill.js';
import { BackfillKeys } from '../redis/backfill-keys.js';
import { executeStatement } from '../sources/sql/execute-statement.js';
import { JournalRowSchema, JournalSchema } from './journal.entities.js';
import { journalTable } from './journal-rows.js';

const EXPIRED_AT_ONCE = 100;

/** Reads and writes the journals: that of a run is in the database of its rows. */
@Injectable()
export class JournalStore {
  constructor(
    private readonly managers: EntityManagers,
    private readonly keys: BackfillKeys,
  ) {}

  /** Creates the journal of a run, or has it kept for longer. */
  async keep(runId: string, backfill: HandledBackfill, keptUntil: Date): Promise<void> {
    const em = this.managers.fork(backfill);
    const { name } = backfill;
    await em.upsert(JournalSchema, { runId, scope: this.keys.prefix, backfill: name, keptUntil });
    em.clear();
  }

  /** Whether the journal of a run has rows that no undo has settled; `null` where there is no journal. */
  async openRows(runId: string, backfill: DatabaseUser): Promise<boolean | null> {
    const em = this.managers.fork(backfill);
    if ((await em.count(JournalSchema, { runId })) === 0) {
      return null;
    }
    const found = await em.find(JournalRowSchema, { runId, settled: null }, { limit: 1, fields: ['runId'] });
    return found.length > 0;
  }

  /** Whether MikroORM has the entities of the journal in the database of a backfill. */
  isMapped(backfill: DatabaseUser): boolean {
    const { className } = JournalRowSchema.meta;
    return allMetadata(this.managers.ormOf(backfill).em).some((meta) => meta.className === className);
  }

  /** Ids of runs whose journals were to be kept until then at the longest, but for some. */
  async expired(database: DatabaseUser, now: Date, exceptFor: readonly string[]): Promise<string[]> {
    const found = await this.managers
      .fork(database)
      .find(
        JournalSchema,
        { scope: this.keys.prefix, keptUntil: { $lt: now }, runId: { $nin: [...exceptFor] } },
        { orderBy: { keptUntil: 'asc' }, limit: EXPIRED_AT_ONCE },
      );
    return found.map(({ runId }) => runId);
  }

  /** Removes so many rows of a journal; returns how many there were. */
  async removeRows(database: DatabaseUser, runId: string, limit: number): Promise<number> {
    const em = this.managers.fork(database);
    const table = journalTable(em);
    const [row] = await executeStatement(
      em,
      `with removed as (delete from ${table} where ctid = any(array(select ctid from ${table} ` +
        `where run_id = ${em.getPlatform().quoteValue(runId)} limit ${limit})) returning 1) ` +
        'select count(*)::int as rows from removed',
    );
    return Number(row?.['rows']);
  }

  /** Removes a journal that has no rows left. */
  async remove(database: DatabaseUser, runId: string): Promise<void> {
    await this.managers.fork(database).nativeDelete(JournalSchema, { runId });
  }
}
