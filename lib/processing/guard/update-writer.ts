import type { ChangeSet, DriverMethodOptions, EntityManager } from '@mikro-orm/core';
import { classifyError, isContended, isTimeout } from '../../database/classify-error.js';
import { findChangedRows } from './find-changed-rows.js';
import type { GuardSettings } from './find-changed-rows.js';
import type { RowImages } from './row-images.js';
import { RowsChangedError } from './rows-changed.error.js';
import { forgetColumns } from './table-columns.js';
import { isPlainFlush, writeUnchanged } from './write-unchanged.js';

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
  /** How many changes of the flush have been taken over and not been written. */
  private pending = 0;

  constructor(
    private readonly em: EntityManager,
    private readonly images: RowImages,
    private readonly settings: GuardSettings,
  ) {
    this.enabled = settings.snapshot !== null;
    if (this.enabled) {
      this.intercept();
    }
  }

  /** Takes over the changes of a flush that has no others; answers whether it does. */
  takeOver(changes: readonly ChangeSet<object>[]): boolean {
    if (!this.enabled || !isPlainFlush(this.em, changes)) {
      return false;
    }
    this.pending = changes.length;
    return true;
  }

  /** Leaves the next flushes to MikroORM. */
  disable(): void {
    this.enabled = false;
    forgetColumns(this.em);
  }

  /** @throws Error where MikroORM has flushed changes without the method that is intercepted */
  requireWritten(): void {
    if (this.pending > 0) {
      throw new Error(`MikroORM has written ${this.pending} changes that were to be guarded`);
    }
  }

  private intercept(): void {
    const persister = this.em.getUnitOfWork(false).getChangeSetPersister();
    const executeUpdates = persister.executeUpdates.bind(persister);
    const intercepted = async (
      changes: ChangeSet<object>[],
      ...options: [batched: boolean, options?: DriverMethodOptions, withSchema?: boolean]
    ): Promise<void> => {
      if (this.pending > 0 && (await this.write(changes))) {
        changes.forEach((change) => (change.persisted = true));
      } else {
        await executeUpdates(changes, ...options);
      }
    };
    Object.defineProperty(persister, 'executeUpdates', { configurable: true, value: intercepted });
  }

  /**
   * Writes the changes, and answers whether it did: MikroORM writes those that it could not, once their rows are locked.
   *
   * @throws RowsChangedError before any change is written
   */
  private async write(changes: readonly ChangeSet<object>[]): Promise<boolean> {
    if (changes.length !== this.pending) {
      throw new Error(`MikroORM writes ${changes.length} of ${this.pending} changes that were to be guarded`);
    }
    this.pending = 0;
    const suspects = await this.tryWrite(changes);
    if (suspects?.length === 0) {
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
      throw new RowsChangedError(found, true);
    }
    return false;
  }

  private async tryWrite(changes: readonly ChangeSet<object>[]): Promise<readonly object[] | null> {
    const { snapshot } = this.settings;
    try {
      return snapshot && (await writeUnchanged(this.em, changes, snapshot));
    } catch (error) {
      if (classifyError(error).kind === 'unreachable' || isContended(error) || isTimeout(error)) {
        throw error;
      }
      throw new UpdateFailedError('The rows were not written', { cause: error });
    }
  }
}
