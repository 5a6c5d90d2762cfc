import type { EntityManager } from '@mikro-orm/core';
import type { BackfillConfig } from '../config/backfill-config.js';
import type { EntityManagers } from '../database/entity-managers.js';
import type { BackfillForecast } from '../state/backfill-forecast.js';
import type { MeasuredSpeed, Measurement } from '../forecast/measurement.js';
import type { RegisteredBackfill } from '../handlers/registered-backfill.js';
import { removeRehearsed } from '../journal/rehearsal-journal.js';
import type { RunJournal } from '../journal/run-journal.js';
import { UNLIMITED_ROWS } from '../processing/execution.js';
import type { Outcome } from '../processing/execution.js';
import { RangeExecutor } from '../processing/range.executor.js';
import type { SourceOpening } from '../sources/backfill-source.js';
import { describeRange } from '../sources/planned-range.js';
import { BatchObserver } from './batch.observer.js';
import type { ObservedRow } from './observed-row.js';
import { columnMask, MASKED } from './column-mask.js';
import type { ColumnMask } from './column-mask.js';
import { compareRows } from './compare-rows.js';
import { findCommitted } from './find-committed.js';
import { RangeDrawer, toEntry } from './range.drawer.js';
import type { DrawnRange } from './range.drawer.js';
import { keyColumns, RawRowReader } from './raw-row.reader.js';
import type { Rehearsal, RehearsalError, RehearsedRow } from './rehearsal.js';
import { RehearsalMeasurements } from './rehearsal.measurements.js';
import type { RehearsalQuota } from './rehearsal.quota.js';
import type { RehearsalLimits } from './rehearse-options.js';
import { tooManyRows } from './too-many-rows.js';
import { StatementCounter } from './statement.counter.js';
import { addCounts } from './table.counts.js';
import type { TableCounts } from './table.counts.js';
import { WalObserver } from './wal.observer.js';

/** Batches that the rows are spread over at least: each is from another place of the walk. */
const MIN_BATCHES = 5;
/** The run id that the handler is given. */
const RUN_ID = 'rehearsal';
/** Batches without a new row after which no further one is drawn. */
const MAX_EMPTY = 20;

/** What a rehearsal works with. */
export interface RehearsalDeps {
  readonly limits: RehearsalLimits;
  readonly config: BackfillConfig;
  readonly quota: RehearsalQuota;
  /** Absent: the backfill has no `undo`, or there are no tables for it. */
  readonly journal?: RunJournal | undefined;
  readonly signal: AbortSignal;
}

/** One rehearsal: batches from random places of the walk, each in a transaction that is rolled back. */
export class RehearsalRun {
  private readonly executor: RangeExecutor;
  private readonly counter = new StatementCounter();
  private readonly reader = new RawRowReader();
  private readonly rows = new Map<string, RehearsedRow>();
  private readonly errors: RehearsalError[] = [];
  /** Rows that failed, all of a batch that failed as a whole. */
  private failedRows = 0;
  private readonly notes = new Set<string>();
  private readonly startedAt = performance.now();
  private readonly measurements: RehearsalMeasurements;
  private tables: TableCounts = new Map();
  private batches = 0;
  private calls = 0;
  private committed: string | null = null;
  private isComplete = false;
  /** Whether it was stopped before all rows were drawn. */
  private isStopped = false;
  /** Why a batch was not handled that the source has given. */
  private refused: string | null = null;

  constructor(
    private readonly backfill: RegisteredBackfill,
    private readonly managers: Pick<EntityManagers, 'fork'>,
    private readonly deps: RehearsalDeps,
  ) {
    this.executor = new RangeExecutor(managers);
    this.measurements = new RehearsalMeasurements(backfill, managers);
  }

  async perform(em: EntityManager, opening: SourceOpening): Promise<void> {
    const { limits, config, signal } = this.deps;
    const size = Math.min(config.batchSize, Math.ceil(limits.rows / MIN_BATCHES));
    const drawer = await RangeDrawer.open(this.backfill, em, opening, size);
    if (drawer.onlyBeginning) {
      this.notes.add(
        'The rows are from the beginning of the walk: its source cannot tell where other places are.',
      );
    }
    for (let empty = 0; empty < MAX_EMPTY && !signal.aborted && this.committed === null;) {
      const left = limits.rows - this.triedRows;
      const range = left > 0 ? await drawer.draw(Math.min(size, left)) : null;
      if (range === null) {
        break;
      }
      if (range.rows > left) {
        this.refused = tooManyRows(range.rows, left);
        break;
      }
      const known = this.triedRows;
      await this.rehearseBatch(range, left);
      empty = this.triedRows > known ? 0 : empty + 1;
    }
    this.isStopped = signal.aborted;
    this.isComplete = true;
  }

  /** What has been rehearsed so far. */
  result(forecast: BackfillForecast | null): Rehearsal {
    const rows = [...this.rows.values()];
    return {
      rows,
      untouched: rows.filter(({ changed }) => changed.length === 0).length,
      errors: [...this.errors],
      batches: this.batches,
      statements: this.counter.statements(this.batches),
      msPerRow: rounded(this.measurements.msPerRow),
      outside: this.outside(),
      tables: [...this.tables].map(([table, { inserted, updated, deleted }]) => ({
        table,
        inserted,
        updated,
        deleted,
      })),
      forecast,
      committed: this.committed,
      partial: this.partial(),
      notes: [...this.notes, ...this.standingNotes()],
    };
  }

  private async rehearseBatch(range: DrawnRange, left: number): Promise<void> {
    const { backfill, counter, deps, reader } = this;
    const { name, source } = backfill;
    const { journal, quota, limits, signal } = deps;
    const observer = new BatchObserver(
      {
        load: async (em) => (await source.load?.({ em, backfill: name }, range.data, range.partition)) ?? [],
        keyOf: (row) => source.keyOf?.(row),
      },
      reader,
      counter,
      { timeoutMs: limits.timeoutMs - (performance.now() - this.startedAt), rows: left },
      new WalObserver(reader, backfill.shape !== 'range' && backfill.guard !== 'none', journal),
    );
    const entry = toEntry(range);
    const callsBefore = this.outsideCalls;
    const outcome = await counter.run(this.managers.fork(backfill), () =>
      this.executor.execute({
        backfill,
        runId: RUN_ID,
        dryRun: true,
        entry,
        observer,
        journal,
        signal,
        rows: {
          ...UNLIMITED_ROWS,
          acquireQuota: quota.acquire,
          onQuota: (calls) => (this.calls += calls),
          // The error of one row must not hide those of the others.
          escalate: () => Promise.resolve(false),
        },
      }),
    );
    counter.close();
    this.batches++;
    this.tables = addCounts(this.tables, observer.tables);
    this.addErrors(range, observer.size, outcome);
    this.addRows(observer, outcome);
    this.measurements.add(entry, observer, outcome, this.outsideCalls - callsBefore);
    if (observer.hasUnobservableRows) {
      this.notes.add(
        'The source gives rows that are no entities: what the handler does with them is not shown row by row.',
      );
    }
    this.committed = await findCommitted(
      this.backfill.className,
      counter.committed,
      observer,
      this.managers.fork(backfill),
    );
    if (this.committed !== null && journal) {
      await removeRehearsed(this.managers.fork(backfill), journal);
    }
  }

  private get triedRows(): number {
    return this.rows.size + this.failedRows;
  }

  private addErrors(range: DrawnRange, size: number, outcome: Outcome): void {
    if (outcome.kind === 'failed') {
      this.failedRows += Math.max(1, size);
      this.errors.push({
        key: describeRange(this.backfill.source, range.data),
        error: toError(outcome.error),
      });
    } else if (outcome.kind === 'partial') {
      this.failedRows += outcome.failed.length;
      this.errors.push(...outcome.failed.map(({ key, error }) => ({ key, error: toError(error) })));
    }
  }

  private addRows({ rows }: BatchObserver, outcome: Outcome): void {
    const skipped =
      outcome.kind === 'partial' ? [...outcome.failed.map(({ key }) => key), ...outcome.remaining] : [];
    const skippedKeys = new Set(skipped.map((key) => JSON.stringify(key)));
    for (const row of rows) {
      const id = `${row.group.meta.className}:${row.keyText}`;
      // A planned range may have more rows than are left to show.
      if (
        this.rows.size < this.deps.limits.rows &&
        !this.rows.has(id) &&
        !skippedKeys.has(JSON.stringify(row.key))
      ) {
        this.rows.set(id, this.toRehearsed(row));
      }
    }
  }

  private toRehearsed(row: ObservedRow): RehearsedRow {
    const mask = this.maskOf(row);
    const isKeyMasked = keyColumns(row.group.meta).some(mask);
    return {
      key: isKeyMasked ? MASKED : row.key,
      ...compareRows(row.before, row.after, mask, this.deps.limits.maxLength),
    };
  }

  private maskOf({ group }: ObservedRow): ColumnMask {
    const properties = new Map(
      group.meta.props.flatMap((property) =>
        columnsOf(property).map((column) => [column, property.name] as const),
      ),
    );
    const named = [...(this.backfill.mask ?? []), ...this.deps.limits.mask];
    return columnMask(named, (column) => properties.get(column));
  }

  /** What was measured, for a forecast; `null` where nothing was, or the handler commits by itself. */
  async measurement(rowsTotal: number): Promise<Measurement | null> {
    return this.committed === null ? this.measurements.measurement(rowsTotal) : null;
  }

  /** How fast one process handles the batches again; `undefined` where that would repeat calls, or errors. */
  async speed(em: EntityManager, opening: SourceOpening): Promise<MeasuredSpeed | undefined> {
    const { backfill, deps, errors } = this;
    if (backfill.shape === 'row' || errors.length + this.outside().length > 0) {
      return undefined;
    }
    const timeoutMs = deps.limits.timeoutMs - (performance.now() - this.startedAt);
    const { config, journal, signal } = deps;
    return this.measurements.speed(em, opening, { config, journal, timeoutMs, signal });
  }

  private get outsideCalls(): number {
    return Math.max(this.calls, this.deps.quota.acquired);
  }

  private outside(): Rehearsal['outside'] {
    const calls = this.outsideCalls;
    const shares = [...this.deps.quota.shares].map(([quota, count]) => ({ quota, calls: count }));
    return calls === 0 ? shares : [{ quota: this.backfill.name, calls }, ...shares];
  }

  private partial(): string | null {
    const { limits, signal } = this.deps;
    if (this.committed !== null) {
      return 'The rehearsal ended where the handler committed by itself.';
    }
    if (this.refused !== null) {
      return this.refused;
    }
    const isStopped = this.isComplete ? this.isStopped : signal.aborted;
    if (isStopped && (this.triedRows < limits.rows || !this.isComplete)) {
      const ignored = this.isComplete
        ? ''
        : ' The handler ignores its signal: its transaction is rolled back once it ends.';
      return `${messageOf(signal.reason)}.${ignored}`;
    }
    return null;
  }

  private standingNotes(): string[] {
    const { className } = this.backfill;
    return [
      'Values taken from sequences, and calls to other systems that the handler makes although ctx.dryRun is true, are not rolled back.',
      ...(this.outside().length > 0
        ? [`${className} made calls to a third party that cannot be rolled back: see outside.`]
        : []),
    ];
  }
}

/** The columns of a property; none of a relation whose key is in another table. */
function columnsOf({ fieldNames }: { readonly fieldNames?: readonly string[] }): readonly string[] {
  return fieldNames ?? [];
}

function toError(error: unknown): RehearsalError['error'] {
  return error instanceof Error
    ? { name: error.name, message: error.message }
    : { name: 'Error', message: String(error) };
}

function messageOf(reason: unknown): string {
  return reason instanceof Error ? reason.message : String(reason);
}

function rounded(ms: number | null): number | null {
  return ms === null ? null : Math.round(ms * 1000) / 1000;
}
