import { ChangeSetType, helper, ReferenceKind } from '@mikro-orm/core';
import type { ChangeSet, EntityManager, EntityMetadata, UnitOfWork } from '@mikro-orm/core';
import { NonRetryableError } from '../errors/handler.errors.js';
import { writeRows } from './journal-rows.js';
import { journaledUpdates } from './journaled-updates.js';
import type { JournaledUpdates } from './journaled-updates.js';
import { forgetTables, journaledTableOf, withTables } from './journaled-table.js';
import type { JournaledTable } from './journaled-table.js';
import { readImages, selectEntities } from './row-images.js';
import type { RowImages } from './row-images.js';
import { assertInTransaction } from './run-journal.js';
import type { RunJournal } from './run-journal.js';

/** What a flush changes in one table. */
interface TableChanges {
  readonly meta: EntityMetadata;
  readonly table: JournaledTable;
  readonly images: RowImages | null;
  readonly inserted: readonly object[];
  /** How many are removed. */
  readonly removed: number;
}

/** Journals what flushes change: reads the rows before, and writes the journal after, in the transaction of the flush. */
export class FlushJournal {
  private readonly pending = new WeakMap<UnitOfWork, TableChanges[]>();

  constructor(private readonly journal: RunJournal) {}

  /**
   * Reads the rows that a flush is to change.
   *
   * @throws NonRetryableError where a change cannot be undone
   */
  async before(em: EntityManager, uow: UnitOfWork): Promise<void> {
    const changes = uow.getChangeSets();
    // That of a flush which has failed.
    this.pending.delete(uow);
    this.assertUndoable(uow, changes);
    if (changes.length === 0) {
      return;
    }
    assertInTransaction(em, this.journal);
    this.pending.set(uow, await withTables(em, () => readTables(em, changes)));
  }

  /**
   * Writes the journal of the last flush.
   *
   * @throws NonRetryableError where a trigger has changed the primary key of a row
   */
  async after(em: EntityManager, uow: UnitOfWork): Promise<void> {
    const found = this.pending.get(uow) ?? [];
    this.pending.delete(uow);
    for (const { meta, table, images, inserted, removed } of found) {
      const rows = {
        runId: this.journal.runId,
        table,
        changing: this.journal.columnsOf(meta),
        images,
        inserted: inserted.length === 0 ? null : selectEntities(em, meta, table, inserted),
      };
      const { count, gone } = await withTables(em, () => writeRows(em, rows));
      if (gone > removed && table.updateTriggers !== 'none') {
        throw this.refusal(
          `the primary key of a ${meta.className}, or deletes it, by a trigger of ${table.name}`,
        );
      }
      await this.journal.count(em, count);
    }
  }

  /**
   * The parts of a statement that writes updates in place of MikroORM; `null` where `before` and `after` have to stand
   * around the updates.
   *
   * @param columns names of those that are written
   */
  async updates(
    em: EntityManager,
    meta: EntityMetadata,
    columns: readonly string[],
  ): Promise<JournaledUpdates | null> {
    return withTables(em, () => journaledUpdates(em, this.journal, meta.root, columns));
  }

  /** Called for a flush whose updates were written and journaled in one statement. */
  async written(em: EntityManager, rows: number): Promise<void> {
    this.pending.delete(em.getUnitOfWork(false));
    await this.journal.count(em, rows);
  }

  /** Called when a statement has failed that was made with `updates`: a migration may have changed the table. */
  forgetTables(em: EntityManager): void {
    forgetTables(em);
  }

  private assertUndoable(uow: UnitOfWork, changes: readonly ChangeSet<object>[]): void {
    const collection = uow
      .getCollectionUpdates()
      .find(({ property }) => property.kind === ReferenceKind.MANY_TO_MANY);
    if (collection) {
      throw this.refusal(`the many-to-many collection ${collection.property.name}`);
    }
    const moved = changes.find(
      ({ type, meta, payload }) =>
        type === ChangeSetType.UPDATE && meta.primaryKeys.some((key) => key in payload),
    );
    if (moved) {
      throw this.refusal(`the primary key of a ${moved.meta.className}`);
    }
  }

  private refusal(what: string): NonRetryableError {
    return new NonRetryableError(
      `Backfill "${this.journal.backfill}" has the option undo, and its handler changes ${what}, which cannot be undone. ` +
        'Leave out undo, or change it in another backfill.',
    );
  }
}

async function readTables(em: EntityManager, changes: readonly ChangeSet<object>[]): Promise<TableChanges[]> {
  const found: TableChanges[] = [];
  for (const [meta, group] of byTable(changes)) {
    const table = await journaledTableOf(em, meta);
    const existing = group.filter(({ type }) => type !== ChangeSetType.CREATE).map(({ entity }) => entity);
    const images =
      existing.length === 0 ? null : await readImages(em, table, selectEntities(em, meta, table, existing));
    const inserted = group.filter(({ type }) => type === ChangeSetType.CREATE).map(({ entity }) => entity);
    const removed = group.filter(({ type }) => isRemoval(type)).length;
    found.push({ meta, table, images, inserted, removed });
  }
  return found;
}

function isRemoval(type: ChangeSetType): boolean {
  return type === ChangeSetType.DELETE || type === ChangeSetType.DELETE_EARLY;
}

function byTable(changes: readonly ChangeSet<object>[]): Map<EntityMetadata, ChangeSet<object>[]> {
  const groups = new Map<EntityMetadata, ChangeSet<object>[]>();
  for (const change of changes) {
    // Entities of single table inheritance share a table.
    const meta = helper(change.entity).__meta.root;
    const group = groups.get(meta) ?? [];
    group.push(change);
    groups.set(meta, group);
  }
  return groups;
}
