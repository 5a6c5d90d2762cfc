import { setMaxListeners } from 'node:events';
import { Utils } from '@mikro-orm/core';
import { sleep } from '../../async/sleep.js';
import { LazyAbortController } from '../../async/lazy-abort-controller.js';
import { concernsRun, isContended, mayConcernRow } from '../../database/classify-error.js';
import type { Work } from '../../pacing/concurrency/load.meter.js';
import type { Outcome } from '../execution.js';
import { roundDelay } from '../guard/rounds.js';
import { isRowsChanged } from '../guard/rows-changed.error.js';
import { GroupFlusher } from './group-flusher.js';
import { RowDeadlines } from './row-deadlines.js';
import type { LoadedRows, RowProcessorDeps } from './row-processor-deps.js';
import { RowProgress } from './row-progress.js';
import { newGroup } from './row-state.js';
import type { FlushGroup, RowState } from './row-state.js';

/**
 * Processes the rows of a range, several at once. A row that throws does not stop the others, unless its error
 * concerns the whole run. Every `acknowledgeMs` the pending rows are loaded again into a flush group of their
 * own, so that those before them can be flushed and acknowledged while the range is under way.
 */
export class RowProcessor {
  private readonly rows: RowState[];
  private readonly progress: RowProgress;
  private readonly flusher: GroupFlusher;
  /** Aborted when no further row may start. */
  private readonly stop = new AbortController();
  private readonly deadlines: RowDeadlines;
  private readonly escalations: Promise<void>[] = [];
  private readonly running = new Set<LazyAbortController>();
  private group: FlushGroup;
  private next = 0;
  private reloading = false;
  private timer: NodeJS.Timeout | undefined;
  /** Why the range fails as a whole. */
  private failure: { readonly error: unknown } | null = null;
  private drained: () => void = () => undefined;

  constructor(
    loaded: LoadedRows & { readonly missing?: number },
    private readonly deps: RowProcessorDeps,
  ) {
    // Each row that waits for its quota adds a listener.
    setMaxListeners(0, this.stop.signal);
    this.deadlines = new RowDeadlines(deps.timeoutMs);
    this.group = newGroup(loaded);
    this.rows = loaded.rows.map((data) => ({
      key: deps.keyOf(data),
      data,
      group: this.group,
      rounds: 0,
      status: 'pending',
    }));
    this.progress = new RowProgress(this.rows, loaded.missing ?? 0, deps.changedAgain);
    this.flusher = new GroupFlusher(this.progress, deps, (error) => this.failRange(error));
  }

  async run(): Promise<Outcome> {
    do {
      await this.processRows();
      await Promise.all([this.flusher.acknowledged, ...this.escalations]);
      if (this.failure) {
        throw this.failure.error;
      }
      await this.flusher.flush(this.group);
    } while (await this.reloadChanged());
    return this.progress.outcome();
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
    let work: Work | undefined;
    try {
      const granted = acquireQuota(this.stop.signal);
      if (!granted || (await this.isGranted(granted))) {
        work = this.deps.load?.()?.begin(1);
        await this.deadlines.within(handle(row.data, group.em, abort), abort);
        work?.end(true);
        row.status = 'done';
        row.data = null;
        this.timer ??= setTimeout(() => void this.startFlushGroup(), acknowledgeMs());
      } else {
        row.status = 'pending';
      }
    } catch (error) {
      work?.end(false);
      this.failRow(row, error);
    }
    this.running.delete(abort);
    group.running--;
    permits.release();
    this.flusher.acknowledge(group);
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
      try {
        this.flusher.leaveOut(row.group, row.data);
      } catch (reason) {
        this.failRange(reason);
      }
    }
    if (isRowsChanged(error)) {
      this.progress.markChanged(row);
      return;
    }
    if (this.deps.retriesContended && isContended(error)) {
      this.progress.markContended(row, error);
      return;
    }
    this.progress.markFailed(row, error);
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
      const loaded = await this.deps.reload(pending.map(({ key }) => key));
      const previous = this.group;
      this.group = newGroup(loaded);
      this.moveToGroup(this.group, pending, loaded.rows);
      previous.closed = true;
      this.flusher.acknowledge(previous);
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
    const loaded = await this.deps.reload(changed.map(({ key }) => key));
    this.group = newGroup(loaded);
    changed.forEach((row) => (row.status = 'pending'));
    this.moveToGroup(this.group, changed, loaded.rows);
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
