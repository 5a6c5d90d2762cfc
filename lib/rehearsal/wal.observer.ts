import type { EntityManager } from '@mikro-orm/core';
import type { MeasuredWal } from '../forecast/measurement.js';
import { walPosition } from '../forecast/wal-position.js';
import { journalTableName, readJournalReplay } from '../journal/rehearsal-journal.js';
import type { RunJournal } from '../journal/run-journal.js';
import { executeStatement } from '../sources/sql/execute-statement.js';
import type { ObservedRow } from './observed-row.js';
import { keyColumns, tableOf } from './raw-row.reader.js';
import type { EntityRows, RawRowReader } from './raw-row.reader.js';
import { replayOf } from './replay-changes.js';
import type { ChangedRow } from './replay-changes.js';
import type { TableCounts } from './table.counts.js';

const SAVEPOINT = 'nestjs_backfill_changes';

/** Measures the write-ahead log of a batch on PostgreSQL, in its transaction. */
export class WalObserver {
  private from = 0;
  private bytes = 0;
  private heapPages = 0;

  /** Of the journal, as PostgreSQL counts its rows; `null`: nothing is journaled. */
  private journalName: string | null = null;

  /**
   * @param locks whether a run locks rows before it writes them, which a rehearsal does not
   * @param journal what the handler writes is journaled in; `undefined`: it is not
   */
  constructor(
    private readonly reader: RawRowReader,
    private readonly locks: boolean,
    private readonly journal: RunJournal | undefined,
  ) {}

  /** Before the handler. */
  async begun(em: EntityManager, groups: readonly EntityRows[]): Promise<void> {
    this.heapPages = await heapPages(em, groups);
    this.journalName = this.journal ? await journalTableName(em) : null;
    await executeStatement(em, `savepoint ${SAVEPOINT}`, 'run');
    this.from = await walPosition(em);
  }

  /** Right after the flush. */
  async handled(em: EntityManager): Promise<void> {
    this.bytes = (await walPosition(em)) - this.from;
  }

  /** Makes the same changes again; the transaction has to be rolled back after that. */
  async measure(em: EntityManager, rows: readonly ObservedRow[], tables: TableCounts): Promise<MeasuredWal> {
    const counts = [...tables].flatMap(([name, count]) => (name === this.journalName ? [] : [count]));
    const [only] = counts;
    const isPlain = counts.length <= 1 && (!only || only.inserted + only.deleted === 0);
    return {
      bytes: this.bytes,
      recordBytes: isPlain ? await this.replay(em, rows) : null,
      heapPages: this.heapPages,
      updated: counts.reduce((sum, { updated }) => sum + updated, 0),
      hotUpdated: counts.reduce((sum, { hotUpdated }) => sum + hotUpdated, 0),
      isPlain,
    };
  }

  private async replay(em: EntityManager, rows: readonly ObservedRow[]): Promise<number | null> {
    const changed = rows.flatMap(({ group, before, after }): (ChangedRow & { group: EntityRows })[] =>
      after && JSON.stringify(before) !== JSON.stringify(after) ? [{ group, before, after }] : [],
    );
    if (changed.length === 0) {
      return 0;
    }
    const [first] = changed;
    if (!first || changed.some(({ group }) => group.meta !== first.group.meta)) {
      return null;
    }
    const columns = await this.reader.columnsOf(em, 'postgresql', first.group.meta);
    const replay = replayOf(em, first.group.meta, columns, changed);
    if (replay === null) {
      return null;
    }
    try {
      const journaling = this.journal && (await readJournalReplay(em, this.journal));
      await executeStatement(em, `rollback to savepoint ${SAVEPOINT}`, 'run');
      const from = await walPosition(em);
      if (this.locks) {
        await executeStatement(em, replay.lock);
      }
      await executeStatement(em, replay.update, 'run');
      if (journaling !== undefined) {
        await executeStatement(em, journaling, 'run');
      }
      return (await walPosition(em)) - from;
    } catch {
      // A constraint that only the handler's order of statements satisfies: the transaction is rolled back anyway.
      return null;
    }
  }
}

/** Pages of the tables that have the rows; 0 where they are no tables of PostgreSQL's own. */
async function heapPages(em: EntityManager, groups: readonly EntityRows[]): Promise<number> {
  let pages = 0;
  for (const { meta, entities } of groups) {
    const [name] = keyColumns(meta);
    const table = tableOf(em, meta);
    const literal = (value: string) => em.getPlatform().quoteValue(value);
    const keys = entities.map((entity) => keyText(entity, meta.primaryKeys[0]));
    if (keyColumns(meta).length > 1 || name === undefined || keys.includes(null)) {
      continue;
    }
    const list = keys.map((key) => literal(key ?? '')).join(', ');
    const [relation] = await executeStatement(
      em,
      `select relkind::text as kind from pg_class where oid = to_regclass(${literal(table)})`,
    );
    if (relation?.['kind'] === 'r') {
      const [row] = await executeStatement(
        em,
        `select count(distinct (ctid::text::point)[0])::int as pages from ${table} ` +
          `where ${em.getPlatform().quoteIdentifier(name)} in (${list})`,
      );
      pages += Number(row?.['pages'] ?? 0);
    }
  }
  return pages;
}

/** A key as the text of a literal; `null` where it is neither text nor a number. */
function keyText(entity: object, property: string | undefined): string | null {
  const value: unknown = property === undefined ? null : Reflect.get(entity, property);
  return typeof value === 'string' || typeof value === 'number' || typeof value === 'bigint'
    ? String(value)
    : null;
}
