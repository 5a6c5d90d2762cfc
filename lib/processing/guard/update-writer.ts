import { helper } from '@mikro-orm/core';
import type { ChangeSet, DriverMethodOptions, EntityManager } from '@mikro-orm/core';
import { classifyError, isContended, isTimeout } from '../../database/classify-error.js';
import type { FlushJournal } from '../../journal/flush.journal.js';
import { findChangedRows } from './find-changed-rows.js';
import type { GuardSettings } from './find-changed-rows.js';
import type { RowImages } from './row-images.js';
import { RowsChangedError } from './rows-changed.error.js';
import { forgetColumns } from './table-columns.js';
import { hasUpdateListeners, isPlainFlush, writeUnchanged } from './write-unchanged.js';
import type { WrittenRows } from './write-unchanged.js';

/** The private method of MikroORM 7 that writes updates, between the hooks of each of them. */
interface UpdateCommitter {
  commitUpdateChangeSets?: (changes: ChangeSet<object>[], ...options: readonly unknown[]) => Promise<void>;
}

/** The statement that locks and writes rows has failed, and MikroORM's own has to be tried. */
export class UpdateFailedError extends Error {
  override readonly name = 'UpdateFailedError';
}

/**
 * Writes the updates of a flush in the statement that locks their rows, where the database and the changes allow it, in
 * place of MikroORM's own.
 */
export class UpdateWriter {
  private enabled: boolean;
  /** The changes of the flush that have been taken over and not been written. */
  private pending: readonly ChangeSet<object>[] = [];
  /** Whether what the flush has left to MikroORM is journaled. */
  private journaling = false;

  constructor(
    private readonly em: EntityManager,
    private readonly images: RowImages,
    private readonly settings: GuardSettings,
    private readonly journal: FlushJournal | null,
  ) {
    this.enabled = settings.snapshot !== null;
    if (this.enabled) {
      this.intercept();
      this.interceptHooks();
    }
  }

  /** Takes over the changes of a flush that has no others, and their journal; answers whether it does. */
  takeOver(changes: readonly ChangeSet<object>[]): boolean {
    const takes = this.enabled && isPlainFlush(this.em, changes);
    this.pending = takes ? changes : [];
    this.journaling = false;
    return takes;
  }

  /** Leaves the next flushes to MikroORM. */
  disable(): void {
    this.enabled = false;
    forgetColumns(this.em);
    this.journal?.forgetTables(this.em);
  }

  /** @throws Error where MikroORM has flushed changes without the method that is intercepted */
  requireWritten(): void {
    for (const { meta, persisted } of this.pending) {
      if (persisted) {
        throw new Error(`MikroORM has written a change of ${meta.className} that was to be guarded`);
      }
    }
  }

  private intercept(): void {
    const persister = this.em.getUnitOfWork(false).getChangeSetPersister();
    const executeUpdates = persister.executeUpdates.bind(persister);
    const intercepted = async (
      changes: ChangeSet<object>[],
      ...options: [batched: boolean, options?: DriverMethodOptions, withSchema?: boolean]
    ): Promise<void> => {
      const taken = this.take(changes);
      if (taken.length > 0) {
        if (await this.write(taken, this.isWhole(changes, taken))) {
          changes.forEach((change) => (change.persisted = true));
          return;
        }
        await this.startJournal();
      }
      await executeUpdates(changes, ...options);
    };
    Object.defineProperty(persister, 'executeUpdates', { configurable: true, value: intercepted });
  }

  /**
   * Writes changes without MikroORM's calls of hooks, where no hook is to be called: it awaits two for each row, which takes
   * longer than to write the row.
   */
  private interceptHooks(): void {
    const uow = this.em.getUnitOfWork(false) as unknown as UpdateCommitter;
    const commitUpdates = uow.commitUpdateChangeSets?.bind(uow);
    if (!commitUpdates) {
      return;
    }
    const intercepted: typeof commitUpdates = async (changes, ...options) => {
      if (this.isPending(changes) && this.isWhole(changes, changes) && needsNoHooks(this.em, changes)) {
        this.pending = [];
        if (await this.write(changes, true)) {
          completeUpdates(changes);
          return;
        }
        await this.startJournal();
      }
      await commitUpdates(changes, ...options);
    };
    Object.defineProperty(uow, 'commitUpdateChangeSets', { configurable: true, value: intercepted });
  }

  /** Whether these are the changes that are pending, and all of them. */
  private isPending(changes: readonly ChangeSet<object>[]): boolean {
    const { pending } = this;
    return (
      pending.length > 0 &&
      changes.length === pending.length &&
      changes.every((change, index) => change === pending[index])
    );
  }

  /**
   * Those of some changes that are pending, which they no longer are. A listener of the app may have had other changes made
   * of the same entities.
   */
  private take(changes: readonly ChangeSet<object>[]): readonly ChangeSet<object>[] {
    if (this.isPending(changes)) {
      this.pending = [];
      return changes;
    }
    const { pending } = this;
    const entities = new Set(pending.map(({ entity }) => entity));
    const taken = changes.filter(({ entity }) => entities.delete(entity));
    this.pending = pending.filter(({ entity }) => entities.has(entity));
    return taken;
  }

  /** Whether the flush has only these changes still: a listener of the app may have added others. */
  private isWhole(changes: readonly ChangeSet<object>[], taken: readonly ChangeSet<object>[]): boolean {
    const all = this.em.getUnitOfWork(false).getChangeSets();
    return [changes.length, all.length].every((count) => count === taken.length);
  }

  /**
   * Writes changes, and answers whether it did: MikroORM writes those that it could not, once their rows are locked.
   *
   * @param whole whether the flush has no other changes
   * @throws RowsChangedError before any of them is written
   */
  private async write(changes: readonly ChangeSet<object>[], whole: boolean): Promise<boolean> {
    const written = whole ? await this.tryWrite(changes) : null;
    const suspects = written?.suspects ?? null;
    if (suspects?.length === 0) {
      await this.journal?.written(this.em, written?.journaled ?? 0);
      return true;
    }
    const entities = suspects ?? changes.map(({ entity }) => entity);
    // The statement has told already which rows the snapshot does not know to be unchanged.
    const settings = suspects ? { ...this.settings, snapshot: null } : this.settings;
    const found = await findChangedRows(this.em, entities, this.images, settings);
    const leftOut = found.changed.length + found.locked.length;
    // A row that others have written as it was is a suspect of the next statement, too.
    this.enabled = leftOut === suspects?.length;
    if (leftOut > 0) {
      throw new RowsChangedError(found, whole);
    }
    return false;
  }

  /** MikroORM writes what was taken over, once its rows are locked. */
  private async startJournal(): Promise<void> {
    if (!this.journaling) {
      this.journaling = true;
      await this.journal?.before(this.em, this.em.getUnitOfWork(false));
    }
  }

  private async tryWrite(changes: readonly ChangeSet<object>[]): Promise<WrittenRows | null> {
    const { snapshot } = this.settings;
    try {
      return snapshot && (await writeUnchanged(this.em, changes, snapshot, this.journal));
    } catch (error) {
      if (classifyError(error).kind === 'unreachable' || isContended(error) || isTimeout(error)) {
        throw error;
      }
      throw new UpdateFailedError('The rows were not written', { cause: error });
    }
  }
}

/** Whether MikroORM would call nothing of the app for these updates, which are of one entity, and complete them as below. */
function needsNoHooks(em: EntityManager, changes: readonly ChangeSet<object>[]): boolean {
  const meta = changes[0]?.meta;
  return (
    meta !== undefined &&
    !hasUpdateListeners(em, meta) &&
    changes.every(({ entity }) => {
      const wrapped = helper(entity);
      // Where entities have this flag, they are those of MikroORM 6.
      return wrapped.__initialized && !('__touched' in wrapped);
    })
  );
}

/** After updates have been written: the next flush compares with what was written, and not with what has changed meanwhile. */
function completeUpdates(changes: readonly ChangeSet<object>[]): void {
  for (const change of changes) {
    change.persisted = true;
    helper(change.entity).__originalEntityData = { ...change.originalEntity, ...change.payload } as never;
  }
}
