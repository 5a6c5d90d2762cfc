import { setMaxListeners } from 'node:events';
import type { EntityManager } from '@mikro-orm/core';
import type { JsonValue } from '../../sources/backfill-source.js';
import { asksToStop } from '../../database/classify-error.js';
import { forgetRow } from '../../database/forget-row.js';
import type { Outcome } from '../range.executor.js';
import { RowDeadlines } from './row-deadlines.js';
import { LazyAbortController } from '../../async/lazy-abort-controller.js';
import type { LoadedRows, RowProcessorDeps } from './row-processor-deps.js';

/** The rows of a wave share an entity manager: they are flushed and acknowledged together. */
interface FlushGroup {
  readonly em: EntityManager;
  active: number;
  closed: boolean;
}

/** A row, and how far it is; `gone`: it did not match any more when it was loaded again. */
interface RowState {
  readonly key: JsonValue;
  row: unknown;
  wave: FlushGroup;
  state: 'open' | 'begun' | 'done' | 'acknowledged' | 'failed' | 'gone';
}

/**
 * Hands the rows of a range to their handler, so many at once. A row that throws does not stop the others,
 * unless its error asks to. From time to time the rows that are not begun go on with an entity manager of
 * their own, so that those before them can be flushed and acknowledged while they are under way.
 */
export class RowProcessor {
  private readonly slots: RowState[];
  private readonly failed: { key: JsonValue; error: unknown }[] = [];
  private readonly stop = new AbortController();
  private readonly deadlines: RowDeadlines;
  private readonly telling: Promise<void>[] = [];
  private readonly running = new Set<LazyAbortController>();
  private wave: FlushGroup;
  private next = 0;
  private active = 0;
  private rotating = false;
  private timer: NodeJS.Timeout | undefined;
  private acknowledging: Promise<void> = Promise.resolve();
  private trouble: { error: unknown } | null = null;
  private drained: () => void = () => undefined;

  constructor(
    { em, rows }: LoadedRows,
    private readonly parts: RowProcessorDeps,
  ) {
    // Each row that waits to begin listens.
    setMaxListeners(0, this.stop.signal);
    this.deadlines = new RowDeadlines(parts.timeoutMs);
    this.wave = { em, active: 0, closed: false };
    this.slots = rows.map((row) => ({ key: parts.keyOf(row), row, wave: this.wave, state: 'open' }));
  }

  async run(): Promise<Outcome> {
    const { signal } = this.parts;
    const aborted = () => this.abort(signal.reason);
    signal.addEventListener('abort', aborted, { once: true });
    try {
      await new Promise<void>((resolve) => {
        this.drained = resolve;
        if (signal.aborted) {
          aborted();
        }
        this.advance();
      });
    } finally {
      signal.removeEventListener('abort', aborted);
      clearTimeout(this.timer);
      this.deadlines.close();
    }
    await Promise.all([this.acknowledging, ...this.telling]);
    if (this.trouble) {
      throw this.trouble.error;
    }
    await this.wave.em.flush();
    const done = this.slots.filter(({ state }) => state === 'done').length;
    const left = this.slots.filter(({ state }) => state === 'open').map(({ key }) => key);
    return this.failed.length === 0 && left.length === 0
      ? { kind: 'done', rows: done }
      : { kind: 'partial', rows: done, failed: this.failed, left };
  }

  private get stopped(): boolean {
    return this.stop.signal.aborted;
  }

  private abort(reason: unknown): void {
    for (const stop of this.running) {
      stop.abort(reason);
    }
    this.halt(reason);
  }

  /** Begins no further row. */
  private halt(reason: unknown): void {
    this.stop.abort(reason);
    this.advance();
  }

  private readonly advance = (): void => {
    const { permits: room } = this.parts;
    while (!this.stopped && this.active < Math.max(1, this.parts.concurrency())) {
      const slot = this.slots[this.next];
      if (!slot || (slot.state === 'open' && !room.tryAcquire(this.advance))) {
        break;
      }
      this.next++;
      if (slot.state === 'open') {
        void this.begin(slot);
      }
    }
    room.setPending(this.stopped ? 0 : this.slots.length - this.next);
    if (this.active === 0 && !this.rotating && (this.stopped || this.next >= this.slots.length)) {
      this.drained();
    }
  };

  private async begin(slot: RowState): Promise<void> {
    const { wave } = slot;
    const { admit, handle, permits: room } = this.parts;
    const stop = new LazyAbortController();
    slot.state = 'begun';
    this.active++;
    wave.active++;
    this.running.add(stop);
    try {
      const admitted = admit(this.stop.signal);
      if (!admitted || (await this.comes(admitted))) {
        await this.deadlines.within(handle(slot.row, slot.wave.em, stop), stop);
        slot.state = 'done';
        slot.row = null;
        this.timer ??= setTimeout(() => void this.startFlushGroup(), this.parts.acknowledgeMs());
      } else {
        slot.state = 'open';
      }
    } catch (error) {
      this.fail(slot, error);
    }
    this.running.delete(stop);
    this.active--;
    wave.active--;
    room.release();
    this.acknowledge(wave);
    this.advance();
  }

  /** Whether the turn of a row came; it does not where the walk was stopped first. */
  private async comes(admitted: Promise<void>): Promise<boolean> {
    try {
      await admitted;
      return true;
    } catch (error) {
      if (!this.stopped) {
        throw error;
      }
      return false;
    }
  }

  private fail(slot: RowState, error: unknown): void {
    // What a failed row had changed before it threw must not be flushed with its siblings.
    forgetRow(slot.wave.em, slot.row);
    slot.state = 'failed';
    this.failed.push({ key: slot.key, error });
    if (asksToStop(error)) {
      this.stop.abort(error);
      this.telling.push(this.parts.escalate(error).catch((trouble: unknown) => this.give(trouble)));
    }
  }

  /** Has the rows that are not begun go on in a wave of their own. */
  private async startFlushGroup(): Promise<void> {
    this.timer = undefined;
    const open = this.slots.slice(this.next).filter(({ state }) => state === 'open');
    if (!this.parts.acknowledge || this.rotating || this.stopped || open.length === 0) {
      return;
    }
    this.rotating = true;
    try {
      const { em, rows } = await this.parts.reload(open.map(({ key }) => key));
      const before = this.wave;
      this.wave = { em, active: 0, closed: false };
      this.take(open, rows);
      before.closed = true;
      this.acknowledge(before);
    } catch (error) {
      this.give(error);
    }
    this.rotating = false;
    this.advance();
  }

  private take(open: readonly RowState[], rows: readonly unknown[]): void {
    const found = new Map(rows.map((row) => [JSON.stringify(this.parts.keyOf(row)), row]));
    for (const slot of open) {
      // Rows begun in the meantime stay where they are.
      if (slot.state === 'open') {
        const row = found.get(JSON.stringify(slot.key));
        slot.state = row === undefined ? 'gone' : 'open';
        slot.row = row;
        slot.wave = this.wave;
      }
    }
  }

  private acknowledge(wave: FlushGroup): void {
    const { acknowledge } = this.parts;
    if (!acknowledge || !wave.closed || wave.active > 0) {
      return;
    }
    this.acknowledging = this.acknowledgeAfter(this.acknowledging, wave, acknowledge);
  }

  private async acknowledgeAfter(
    before: Promise<void>,
    wave: FlushGroup,
    acknowledge: NonNullable<RowProcessorDeps['acknowledge']>,
  ): Promise<void> {
    await before;
    try {
      // Written first: what is acknowledged is not done again.
      await wave.em.flush();
      wave.em.clear();
      const done = this.slots.filter((slot) => slot.wave === wave && slot.state === 'done');
      const counted = new Set(done);
      const left = this.slots.filter(
        (slot) => !counted.has(slot) && slot.state !== 'acknowledged' && slot.state !== 'gone',
      );
      // The end of the range tells of the last ones itself.
      if (left.length > 0) {
        done.forEach((slot) => (slot.state = 'acknowledged'));
        const keys = left.map(({ key }) => key);
        await acknowledge(done.length, keys);
      }
    } catch (error) {
      this.give(error);
    }
  }

  private give(error: unknown): void {
    this.trouble ??= { error };
    this.halt(error);
  }
}
