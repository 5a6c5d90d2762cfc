import { setMaxListeners } from 'node:events';
import { Utils } from '@mikro-orm/core';
import { sleep } from '../../async/sleep.js';
import { LazyAbortController } from '../../async/lazy-abort-controller.js';
import { concernsRun, mayConcernRow } from '../../database/classify-error.js';
import type { FailedRow, Outcome, RowSettings } from '../execution.js';
import { MAX_ROUNDS, roundDelay } from '../guard/rounds.js';
import { isRowsChanged } from '../guard/rows-changed.error.js';
import { RowDeadlines } from './row-deadlines.js';
import type { LoadedRows, RowProcessorDeps } from './row-processor-deps.js';
import type { FlushGroup, RowState, RowStatus } from './row-state.js';

/**
 * Processes the rows of a range, several at once. A row that throws does not stop the others, unless its error
 * concerns the whole run. Every `acknowledgeMs` the pending rows are loaded again into a flush group of their
 * own, so that those before them can be flushed and acknowledged while the range is under way.
 */
export class RowProcessor {
  private readonly rows: RowState[];
  private readonly failed: FailedRow[] = [];
  /** Aborted when no further row may start. */
  private readonly stop = new AbortController();
  private readonly deadlines: RowDeadlines;
  private readonly escalations: Promise<void>[] = [];
  private readonly running = new Set<LazyAbortController>();
  private group: FlushGroup;
  private readonly missing: number;
  /** Rows that are handled again because others wrote or locked them, since the last acknowledgement. */
  private rechecked = 0;
  private next = 0;
  private reloading = false;
  private timer: NodeJS.Timeout | undefined;
  private acknowledging: Promise<void> = Promise.resolve();
  /** Why the range fails as a whole. */
  private failure: { readonly error: unknown } | null = null;
  private drained: () => void = () => undefined;

  constructor(
    { em, rows, flush, missing = 0 }: LoadedRows & { readonly missing?: number },
    private readonly deps: RowProcessorDeps,
  ) {
    // Each row that waits for its quota adds a listener.
    setMaxListeners(0, this.stop.signal);
    this.deadlines = new RowDeadlines(deps.timeoutMs);
    this.group = { em, flush, running: 0, closed: false };
    this.missing = missing;
    this.rows = rows.map((data) => ({
      key: deps.keyOf(data),
      data,
      group: this.group,
      rounds: 0,
      status: 'pending',
    }));
  }

  async run(): Promise<Outcome> {
    do {
      await this.processRows();
      await Promise.all([this.acknowledging, ...this.escalations]);
      if (this.failure) {
        throw this.failure.error;
      }
      await this.flush(this.group);
    } while (await this.reloadChanged());
    // A row that was handled, and that others deleted or changed so that it no longer matches, is done.
    const done = this.rows.filter(
      ({ status, rounds }) => status === 'done' || (status === 'gone' && rounds > 0),
    ).length;
    const keysOf = (...of: RowStatus[]) =>
      this.rows.filter(({ status }) => of.includes(status)).map(({ key }) => key);
    const remaining = keysOf('pending', 'changed');
    const locked = keysOf('locked');
    return this.failed.length + remaining.length + locked.length === 0
      ? { kind: 'done', rows: done, missing: this.missing, rechecked: this.rechecked }
      : {
          kind: 'partial',
          rows: done,
          missing: this.missing,
          rechecked: this.rechecked,
          failed: this.failed,
          remaining,
          locked,
        };
  }

  /** Resolves once no row is running and none is to start. */
  private async processRows(): Promise<void> {
    const { signal } = this.deps;
    const onAbort = () => {
      this.running.forEach((abort) => abort.abort(signal.reason));
      this.stopStarting(signal.reason);
    };
    signal.addEventListener('abort', onAbort, { once: true });
    try {
      await new Promise<void>((resolve) => {
        this.drained = resolve;
        if (signal.aborted) {
          onAbort();
        }
        this.startRows();
      });
    } finally {
      signal.removeEventListener('abort', onAbort);
      clearTimeout(this.timer);
      this.timer = undefined;
      this.deadlines.close();
    }
  }

  private get stopped(): boolean {
    return this.stop.signal.aborted;
  }

  private stopStarting(reason: unknown): void {
    this.stop.abort(reason);
    this.startRows();
  }

  /** Starts the rows that get a permit; called again whenever there may be one. Row permits are acquired here. */
  private readonly startRows = (): void => {
    const { permits, concurrency } = this.deps;
    while (!this.stopped && this.running.size < Math.max(1, concurrency())) {
      const row = this.rows[this.next];
      if (!row || (row.status === 'pending' && !permits.tryAcquire(this.startRows))) {
        break;
      }
      this.next++;
      if (row.status === 'pending') {
        void this.processRow(row);
      }
    }
    permits.setPending(this.stopped ? 0 : this.rows.length - this.next);
    if (this.running.size === 0 && !this.reloading && (this.stopped || this.next >= this.rows.length)) {
      this.drained();
    }
  };

  /** Calls the handler for a row and releases its permit; never rejects. */
  private async processRow(row: RowState): Promise<void> {
    const { acquireQuota, handle, permits, acknowledgeMs } = this.deps;
    const { group } = row;
    const abort = new LazyAbortController();
    row.status = 'running';
    group.running++;
    this.running.add(abort);
    try {
      const granted = acquireQuota(this.stop.signal);
      if (!granted || (await this.isGranted(granted))) {
        await this.deadlines.within(handle(row.data, group.em, abort), abort);
        row.status = 'done';
        row.data = null;
        this.timer ??= setTimeout(() => void this.startFlushGroup(), acknowledgeMs());
      } else {
        row.status = 'pending';
      }
    } catch (error) {
      this.failRow(row, error);
    }
    this.running.delete(abort);
    group.running--;
    permits.release();
    this.acknowledge(group);
    this.startRows();
  }

  /** False when the range was stopped before the quota granted the call. */
  private async isGranted(granted: Promise<void>): Promise<boolean> {
    try {
      await granted;
      return true;
    } catch (error) {
      if (!this.stopped) {
        throw error;
      }
      return false;
    }
  }

  private failRow(row: RowState, error: unknown): void {
    // What the handler changed before it threw must not be flushed with the other rows. The rows of an app's own
    // source need not be entities.
    if (Utils.isEntity<object>(row.data)) {
      row.group.em.getUnitOfWork().unsetIdentity(row.data);
    }
    if (isRowsChanged(error)) {
      this.markChanged(row);
      return;
    }
    row.status = 'failed';
    this.failed.push({ key: row.key, error });
    if (mayConcernRow(error)) {
      this.escalations.push(this.stopIfConcernsRun(error));
    } else if (concernsRun(error)) {
      this.stop.abort(error);
      this.escalations.push(this.escalate(error).then(() => undefined));
    }
  }

  /** Starts no further row where the error is one of the whole run, and not of its row. */
  private async stopIfConcernsRun(error: unknown): Promise<void> {
    const succeeded = this.rows.some(({ status }) => status === 'done' || status === 'acknowledged');
    if (!succeeded && !this.deps.signal.aborted && (await this.escalate(error))) {
      this.stopStarting(error);
    }
  }

  private async escalate(error: unknown): Promise<boolean> {
    try {
      return await this.deps.escalate(error);
    } catch (reason) {
      this.failRange(reason);
      return true;
    }
  }

  /** Moves the pending rows to a new flush group, so that the one before can be acknowledged. */
  private async startFlushGroup(): Promise<void> {
    this.timer = undefined;
    const pending = this.rows.slice(this.next).filter(({ status }) => status === 'pending');
    if (!this.deps.acknowledge || this.reloading || this.stopped || pending.length === 0) {
      return;
    }
    this.reloading = true;
    try {
      const { em, rows, flush } = await this.deps.reload(pending.map(({ key }) => key));
      const previous = this.group;
      this.group = { em, flush, running: 0, closed: false };
      this.moveToGroup(this.group, pending, rows);
      previous.closed = true;
      this.acknowledge(previous);
    } catch (error) {
      this.failRange(error);
    }
    this.reloading = false;
    this.startRows();
  }

  private moveToGroup(group: FlushGroup, pending: readonly RowState[], reloaded: readonly unknown[]): void {
    const byKey = new Map(reloaded.map((data) => [JSON.stringify(this.deps.keyOf(data)), data]));
    for (const row of pending) {
      // A row that was started while the others were loaded stays in the group before.
      if (row.status === 'pending') {
        row.data = byKey.get(JSON.stringify(row.key));
        row.status = row.data === undefined ? 'gone' : 'pending';
        row.group = group;
      }
    }
  }

  private acknowledge(group: FlushGroup): void {
    const { acknowledge } = this.deps;
    if (acknowledge && group.closed && group.running === 0) {
      this.acknowledging = this.acknowledgeAfter(this.acknowledging, group, acknowledge);
    }
  }

  private async acknowledgeAfter(
    previous: Promise<void>,
    group: FlushGroup,
    acknowledge: NonNullable<RowSettings['acknowledge']>,
  ): Promise<void> {
    await previous;
    try {
      // Flushed first: rows that are acknowledged are never processed again.
      await this.flush(group);
      group.em.clear();
      const done = this.rows.filter((row) => row.group === group && row.status === 'done');
      const counted = new Set(done);
      const remaining = this.rows.filter(
        (row) => !counted.has(row) && row.status !== 'acknowledged' && row.status !== 'gone',
      );
      // The last rows are counted by the settlement of the range.
      if (remaining.length > 0) {
        done.forEach((row) => (row.status = 'acknowledged'));
        const keys = remaining.map(({ key }) => key);
        const { rechecked } = this;
        this.rechecked = 0;
        await acknowledge(done.length, keys, this.missing, rechecked);
      }
    } catch (error) {
      this.failRange(error);
    }
  }

  /** Flushes a group, and marks its rows that others wrote meanwhile or have locked. */
  private async flush(group: FlushGroup): Promise<void> {
    const done = this.rows.filter((row) => row.group === group && row.status === 'done');
    const keysOf = (rows: readonly unknown[]) =>
      new Set(rows.map((row) => JSON.stringify(this.deps.keyOf(row))));
    try {
      const { changed, locked } = await group.flush();
      const [changedKeys, lockedKeys] = [keysOf(changed), keysOf(locked)];
      done.filter(({ key }) => changedKeys.has(JSON.stringify(key))).forEach((row) => this.markChanged(row));
      done.filter(({ key }) => lockedKeys.has(JSON.stringify(key))).forEach((row) => this.markLocked(row));
    } catch (error) {
      if (!isRowsChanged(error)) {
        throw error;
      }
      // Their changes cannot be told apart.
      done.forEach((row) => this.markChanged(row));
    }
  }

  private markChanged(row: RowState): void {
    row.rounds++;
    if (row.rounds < MAX_ROUNDS) {
      row.status = 'changed';
      this.rechecked++;
    } else {
      row.status = 'failed';
      this.failed.push({ key: row.key, error: this.deps.changedAgain() });
    }
  }

  private markLocked(row: RowState): void {
    row.status = 'locked';
    this.rechecked++;
  }

  /** Loads the rows that others wrote again. False when there are none, or no further row may start. */
  private async reloadChanged(): Promise<boolean> {
    const changed = this.rows.filter(({ status }) => status === 'changed');
    if (changed.length === 0 || this.stopped) {
      return false;
    }
    await sleep(roundDelay(Math.max(...changed.map(({ rounds }) => rounds))), this.deps.signal);
    if (this.deps.signal.aborted) {
      return false;
    }
    const { em, rows, flush } = await this.deps.reload(changed.map(({ key }) => key));
    this.group = { em, flush, running: 0, closed: false };
    changed.forEach((row) => (row.status = 'pending'));
    this.moveToGroup(this.group, changed, rows);
    // They are started after all others.
    this.rows.push(
      ...this.rows
        .splice(0)
        .toSorted((a, b) => Number(a.group === this.group) - Number(b.group === this.group)),
    );
    this.next = this.rows.length - changed.length;
    return true;
  }

  private failRange(error: unknown): void {
    this.failure ??= { error };
    this.stopStarting(error);
  }
}
