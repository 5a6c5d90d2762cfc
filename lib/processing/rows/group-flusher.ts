import { helper } from '@mikro-orm/core';
import type { RowSettings } from '../execution.js';
import { isRowsChanged } from '../guard/rows-changed.error.js';
import type { RowProcessorDeps } from './row-processor-deps.js';
import type { RowProgress } from './row-progress.js';
import type { FlushGroup } from './row-state.js';

/** Flushes groups of rows, and acknowledges those that are closed and have no row running, one after the other. */
export class GroupFlusher {
  private acknowledging: Promise<void> = Promise.resolve();

  /** @param fail called with the error of a group that could not be flushed or acknowledged */
  constructor(
    private readonly progress: RowProgress,
    private readonly deps: Pick<RowProcessorDeps, 'acknowledge' | 'keyOf'>,
    private readonly fail: (error: unknown) => void,
  ) {}

  /** Resolves once the acknowledgements so far are through; never rejects. */
  get acknowledged(): Promise<void> {
    return this.acknowledging;
  }

  /** Acknowledges a group once it is closed and none of its rows is running. */
  acknowledge(group: FlushGroup): void {
    const { acknowledge } = this.deps;
    if (acknowledge && group.closed && group.running === 0) {
      this.acknowledging = this.acknowledgeAfter(this.acknowledging, group, acknowledge);
    }
  }

  /** Has what the handler of a row changed before it failed written by no flush: neither of the group nor of its other rows. */
  leaveOut(group: FlushGroup, entity: object): void {
    const { em, failed, running } = group;
    const wrapped = helper(entity);
    const isNew = !wrapped.__originalEntityData;
    em.getUnitOfWork().unsetIdentity(entity);
    if (running > 1 && !isNew) {
      failed.push(entity);
      // A transaction of another row has it, too, and MikroORM inserts an entity without original values.
      wrapped.__originalEntityData = em.getComparator().prepareEntity(entity);
    }
  }

  /** Flushes a group, and marks its rows that others wrote meanwhile or have locked. */
  async flush(group: FlushGroup): Promise<void> {
    const { progress } = this;
    const done = progress.rows.filter((row) => row.group === group && row.status === 'done');
    const keysOf = (rows: readonly unknown[]) =>
      new Set(rows.map((row) => JSON.stringify(this.deps.keyOf(row))));
    const unit = group.em.getUnitOfWork();
    group.failed.splice(0).forEach((entity) => unit.unsetIdentity(entity));
    try {
      const { changed, locked } = await group.flush();
      const [changedKeys, lockedKeys] = [keysOf(changed), keysOf(locked)];
      done
        .filter(({ key }) => changedKeys.has(JSON.stringify(key)))
        .forEach((row) => progress.markChanged(row));
      done
        .filter(({ key }) => lockedKeys.has(JSON.stringify(key)))
        .forEach((row) => progress.markLocked(row));
    } catch (error) {
      if (!isRowsChanged(error)) {
        throw error;
      }
      // Their changes cannot be told apart.
      done.forEach((row) => progress.markChanged(row));
    }
  }

  private async acknowledgeAfter(
    previous: Promise<void>,
    group: FlushGroup,
    acknowledge: NonNullable<RowSettings['acknowledge']>,
  ): Promise<void> {
    await previous;
    const { rows, missing } = this.progress;
    try {
      // Flushed first: rows that are acknowledged are never processed again.
      await this.flush(group);
      group.em.clear();
      const done = rows.filter((row) => row.group === group && row.status === 'done');
      const counted = new Set(done);
      const remaining = rows.filter(
        (row) => !counted.has(row) && row.status !== 'acknowledged' && row.status !== 'gone',
      );
      // The last rows are counted by the settlement of the range.
      if (remaining.length > 0) {
        done.forEach((row) => (row.status = 'acknowledged'));
        const keys = remaining.map(({ key }) => key);
        await acknowledge(done.length, keys, missing, this.progress.takeRechecked());
      }
    } catch (error) {
      this.fail(error);
    }
  }
}
