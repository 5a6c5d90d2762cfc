import type { EntityManager, EntityMetadata } from '@mikro-orm/core';
import type { EntityManagers } from '../database/entity-managers.js';
import type { MeasuredBatch, MeasuredSpeed, Measurement } from '../forecast/measurement.js';
import type { RegisteredBackfill } from '../handlers/registered-backfill.js';
import type { Outcome } from '../processing/execution.js';
import type { SourceOpening } from '../sources/backfill-source.js';
import type { RangeEntry } from '../state/range-entry.js';
import type { BatchObserver } from './batch.observer.js';
import { RangeDrawer, toEntry } from './range.drawer.js';
import { MAX_ROWS } from './rehearse-options.js';
import { SpeedTrial } from './speed.trial.js';
import type { TrialDeps } from './speed.trial.js';
import { readTableStatistics } from './table-statistics.js';
import type { HandledBatch } from './trial-batches.js';

/** Batches that take longer are not handled again to see how fast they can be. */
const MAX_TRIAL_BATCH_MS = 500;
/** How many times the rows of the others a larger batch has at least. */
const LARGER = 2;

/** What a trial of the speed works with, beside the backfill. */
export type TrialSettings = Omit<TrialDeps, 'backfill' | 'managers'>;

/** What was measured of the batches of a rehearsal. */
export class RehearsalMeasurements {
  private readonly measured: MeasuredBatch[] = [];
  /** Batches that were handled as a whole, and the keys of their rows. */
  private readonly handled: HandledBatch[] = [];
  private meta: EntityMetadata | undefined;
  private rows = 0;
  private ms = 0;

  constructor(
    private readonly backfill: RegisteredBackfill,
    private readonly managers: Pick<EntityManagers, 'fork'>,
  ) {}

  /** `null` where no row was handled. */
  get msPerRow(): number | null {
    return this.rows === 0 ? null : this.ms / this.rows;
  }

  /** @param calls to the third party that its rows have made */
  add(entry: RangeEntry, observer: BatchObserver, outcome: Outcome, calls: number): void {
    const { ms, cpuMs, databaseMs, wal, rows, size, metadata } = observer;
    if (outcome.kind !== 'failed') {
      this.ms += ms;
      this.rows += size;
      this.meta ??= metadata[0];
      const unchanged = rows.filter(
        ({ before, after }) => JSON.stringify(before) === JSON.stringify(after),
      ).length;
      this.measured.push({ rows: size, changed: size - unchanged, ms, databaseMs, cpuMs, calls, wal });
    }
    if (outcome.kind === 'done' && size > 0) {
      this.handled.push({ entry, keys: rows.map(({ key }) => key) });
    }
  }

  /** What was measured, for a forecast; `null` where nothing was. */
  async measurement(rowsTotal: number): Promise<Measurement | null> {
    if (this.measured.length === 0) {
      return null;
    }
    const table =
      this.meta && this.measured.some(({ wal }) => wal !== null)
        ? await readTableStatistics(this.managers.fork(this.backfill), this.meta, rowsTotal)
        : null;
    return { at: Date.now(), shape: this.backfill.shape, batches: this.measured, table };
  }

  /** How fast one process handles the batches again; `undefined` where they are slow. */
  async speed(
    em: EntityManager,
    opening: SourceOpening,
    settings: TrialSettings,
  ): Promise<MeasuredSpeed | undefined> {
    const { backfill, handled, managers, measured } = this;
    if (measured.some(({ ms }) => ms > MAX_TRIAL_BATCH_MS)) {
      return undefined;
    }
    const trial = new SpeedTrial({ ...settings, backfill, managers });
    const larger = await this.drawLarger(em, opening, settings.config.batchSize);
    return (await trial.measure(handled, larger)) ?? undefined;
  }

  /** A batch of more rows, as far as a rehearsal may have them; `null` where that is not much more. */
  private async drawLarger(
    em: EntityManager,
    opening: SourceOpening,
    batchSize: number,
  ): Promise<RangeEntry | null> {
    const left = MAX_ROWS - this.handled.reduce((sum, { entry }) => sum + entry.rows, 0);
    const size = Math.min(batchSize, left);
    if (size < LARGER * Math.max(...this.handled.map(({ entry }) => entry.rows))) {
      return null;
    }
    const range = await (await RangeDrawer.open(this.backfill, em, opening, size)).draw(size);
    return range && range.rows <= left ? toEntry(range) : null;
  }
}
