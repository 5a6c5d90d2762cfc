import { randomBytes } from 'node:crypto';
import type { EntityManager, EntityMetadata } from '@mikro-orm/core';
import type { MeasuredWal } from '../forecast/measurement.js';
import type { TransactionObserver } from '../processing/execution.js';
import type { JsonValue } from '../sources/backfill-source.js';
import { executeStatement } from '../sources/sql/execute-statement.js';
import { sqlFamily } from '../sources/sql/sql-manager.js';
import type { RawColumns } from './compare-rows.js';
import { limitTransaction } from './limit-transaction.js';
import type { ObservedRow } from './observed-row.js';
import { groupByEntity, keyTextOf } from './raw-row.reader.js';
import type { EntityRows, RawRowReader } from './raw-row.reader.js';
import { StatementCounter } from './statement.counter.js';
import { countsBetween, readTableCounts } from './table.counts.js';
import type { TableCounts } from './table.counts.js';
import { tooManyRows } from './too-many-rows.js';
import type { WalObserver } from './wal.observer.js';

/** A setting of the transaction, by which it is recognized. */
const MARK = 'nestjs_backfill.rehearsal';

/** What a source loads, with the key of each row. */
export interface BatchRows {
  readonly load: (em: EntityManager) => Promise<readonly unknown[]>;
  readonly keyOf: (row: unknown) => JsonValue | undefined;
}

/** What a batch may have. */
export interface BatchLimits {
  readonly timeoutMs: number;
  readonly rows: number;
}

/** Looks at the rows of a batch before and after the handler, in its transaction. */
export class BatchObserver implements TransactionObserver {
  rows: readonly ObservedRow[] = [];
  tables: TableCounts = new Map();
  /** Ms between the begin of the transaction and the end of the flush. */
  ms = 0;
  /** Ms of its statements, and of the CPU, meanwhile. */
  databaseMs = 0;
  cpuMs = 0;
  /** `null`: the database does not tell. */
  wal: MeasuredWal | null = null;
  /** Whether another transaction was open after the handler than before: it has committed, or rolled back. */
  hasEndedTransaction = false;
  private readonly mark = randomBytes(8).toString('hex');
  private groups: readonly EntityRows[] = [];
  private loaded: readonly unknown[] = [];
  private before: ReadonlyMap<EntityRows, ReadonlyMap<string, RawColumns>> = new Map();
  private countsBefore: TableCounts = new Map();
  private startedAt = 0;
  private databaseMsBefore = 0;
  private savepointMsBefore = 0;
  private cpuBefore: NodeJS.CpuUsage | undefined;

  constructor(
    private readonly source: BatchRows,
    private readonly reader: RawRowReader,
    private readonly counter: StatementCounter,
    private readonly limits: BatchLimits,
    private readonly walObserver: WalObserver,
  ) {}

  begun(em: EntityManager): Promise<void> {
    return StatementCounter.exclude(async () => {
      if (isPostgres(em)) {
        await limitTransaction(em, this.limits.timeoutMs, { [MARK]: this.mark });
        this.countsBefore = await readTableCounts(em);
      }
      const own = inTransactionOf(em);
      this.loaded = await this.source.load(own);
      if (this.loaded.length > this.limits.rows) {
        throw new Error(tooManyRows(this.loaded.length, this.limits.rows));
      }
      this.groups = groupByEntity(this.loaded);
      this.before = await this.readAll(own);
      if (isPostgres(em)) {
        await this.walObserver.begun(em, this.groups);
      }
      this.counter.open();
      this.databaseMsBefore = this.counter.databaseMs;
      this.savepointMsBefore = this.counter.savepointMs;
      this.cpuBefore = process.cpuUsage();
      this.startedAt = performance.now();
    });
  }

  handled(em: EntityManager): Promise<void> {
    // The savepoints of single rows are none of a run.
    this.ms = performance.now() - this.startedAt - (this.counter.savepointMs - this.savepointMsBefore);
    const { user, system } = process.cpuUsage(this.cpuBefore);
    this.cpuMs = (user + system) / 1000;
    this.databaseMs = this.counter.databaseMs - this.databaseMsBefore;
    this.counter.close();
    return StatementCounter.exclude(async () => {
      const own = inTransactionOf(em);
      if (isPostgres(em)) {
        await this.walObserver.handled(em);
        const [row] = await executeStatement(em, `select current_setting('${MARK}', true) as mark`);
        this.hasEndedTransaction = row?.['mark'] !== this.mark;
        this.tables = countsBetween(this.countsBefore, await readTableCounts(em));
      }
      const after = await this.readAll(own);
      this.rows = this.groups.flatMap((group) => this.rowsOf(group, after.get(group) ?? new Map()));
      own.clear();
      if (isPostgres(em) && !this.hasEndedTransaction) {
        this.wal = await this.walObserver.measure(em, this.rows, this.tables);
      }
      if (this.counter.hasEnded && !isPostgres(em)) {
        // SQLite refuses to roll back where there is no transaction, and MikroORM then keeps its only connection.
        await executeStatement(em, 'begin', 'run');
      }
    });
  }

  /** Rows that are not as they were before, although the transaction was rolled back. */
  async keptRows(em: EntityManager): Promise<readonly ObservedRow[]> {
    const now = await this.readAll(em);
    return this.groups
      .flatMap((group) => this.rowsOf(group, now.get(group) ?? new Map()))
      .filter(({ before, after }) => JSON.stringify(before) !== JSON.stringify(after));
  }

  /** How many rows the batch has, entities or not. */
  get size(): number {
    return this.loaded.length;
  }

  /** The entities of its rows. */
  get metadata(): readonly EntityMetadata[] {
    return this.groups.map(({ meta }) => meta);
  }

  get hasUnobservableRows(): boolean {
    return this.loaded.length > this.groups.reduce((sum, { entities }) => sum + entities.length, 0);
  }

  private async readAll(em: EntityManager): Promise<Map<EntityRows, Map<string, RawColumns>>> {
    const read = new Map<EntityRows, Map<string, RawColumns>>();
    for (const group of this.groups) {
      read.set(group, await this.reader.read(em, group));
    }
    return read;
  }

  private rowsOf(group: EntityRows, after: ReadonlyMap<string, RawColumns>): ObservedRow[] {
    const keys = this.keysOf(group);
    return [...(this.before.get(group) ?? [])].map(([keyText, before]) => ({
      key: keys.get(plain(keyText)) ?? simplified(keyText),
      group,
      keyText,
      before,
      after: after.get(keyText) ?? null,
    }));
  }

  /** The keys of the source by the texts of the primary keys. */
  private keysOf({ entities, meta }: EntityRows): Map<string, JsonValue> {
    return new Map(
      entities.flatMap((entity) => {
        const key = this.source.keyOf(entity);
        const values = Object.fromEntries(
          meta
            .getPrimaryProps()
            .flatMap(({ name, fieldNames }) =>
              fieldNames.map((column) => [column, String(Reflect.get(entity, name))]),
            ),
        );
        return key === undefined ? [] : [[plain(keyTextOf(meta, values)), key] as const];
      }),
    );
  }
}

function plain(keyText: string): string {
  return keyText.toLowerCase();
}

/** A key of one column as its text. */
function simplified(keyText: string): JsonValue {
  const values = JSON.parse(keyText) as (string | null)[];
  return values.length === 1 ? (values[0] ?? null) : values;
}

function isPostgres(em: EntityManager): boolean {
  return sqlFamily(em) === 'postgresql';
}

/** An entity manager of the same transaction, with an identity map of its own. */
function inTransactionOf(em: EntityManager): EntityManager {
  return em.fork({ clear: true, disableContextResolution: true, keepTransactionContext: true });
}
