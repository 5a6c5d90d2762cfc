import type { EntityManager } from '@mikro-orm/core';
import type { MeasuredWal } from '../forecast/measurement.js';
import { walPosition } from '../forecast/wal-position.js';
import { journalTableName, readJournalReplay } from '../journal/rehearsal-journal.js';
import type { RunJournal } from '../journal/run-journal.js';
import { executeStatement } from '../sources/sql/execute-statement.js';
import type { ObservedRow } from './observed-row.js';
import type { EntityRows, RawRowReader } from './raw-row.reader.js';
import { replayOf } from './replay-changes.js';
import type { ChangedRow } from './replay-changes.js';
import type { TableCounts } from './table.counts.js';
import { changesIndex, heapPages, readPageBytes, treePages } from './table-pages.js';

const SAVEPOINT = 'nestjs_backfill_changes';
/** Times that changes are made again at most, until no page of an index is split. */
const MAX_REPLAYS = 4;

/** Bytes of the records of changes, and pages that indexes grew by, each of which has cost half a page. */
interface Written {
  readonly bytes: number;
  readonly splits: number;
}

/** What making the changes again has shown. */
interface Replayed {
  readonly bytes: number;
  readonly changesIndex?: boolean;
}

/** Measures the write-ahead log of a batch on PostgreSQL, in its transaction. */
export class WalObserver {
  private from = 0;
  private bytes = 0;
  private heapPages = 0;
  private groups: readonly EntityRows[] = [];
  private treePages = 0;
  private splits = 0;

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
    this.groups = groups;
    this.heapPages = await heapPages(em, groups);
    this.treePages = await treePages(em, groups);
    this.journalName = this.journal ? await journalTableName(em) : null;
    await executeStatement(em, `savepoint ${SAVEPOINT}`, 'run');
    this.from = await walPosition(em);
  }

  /** Right after the flush. */
  async handled(em: EntityManager): Promise<void> {
    this.bytes = (await walPosition(em)) - this.from;
    this.splits = (await treePages(em, this.groups)) - this.treePages;
  }

  /** Makes the same changes again; the transaction has to be rolled back after that. */
  async measure(em: EntityManager, rows: readonly ObservedRow[], tables: TableCounts): Promise<MeasuredWal> {
    const counts = [...tables].flatMap(([name, count]) => (name === this.journalName ? [] : [count]));
    const [only] = counts;
    const isPlain = counts.length <= 1 && (!only || only.inserted + only.deleted === 0);
    const replayed = isPlain ? await this.replay(em, rows) : null;
    return {
      bytes: this.bytes,
      splits: this.splits,
      recordBytes: replayed?.bytes ?? null,
      changesIndex: replayed?.changesIndex,
      heapPages: this.heapPages,
      updated: counts.reduce((sum, { updated }) => sum + updated, 0),
      hotUpdated: counts.reduce((sum, { hotUpdated }) => sum + hotUpdated, 0),
      isPlain,
    };
  }

  private async replay(em: EntityManager, rows: readonly ObservedRow[]): Promise<Replayed | null> {
    const changed = rows.flatMap(({ group, before, after }): (ChangedRow & { group: EntityRows })[] =>
      after && JSON.stringify(before) !== JSON.stringify(after) ? [{ group, before, after }] : [],
    );
    if (changed.length === 0) {
      return { bytes: 0 };
    }
    const [first] = changed;
    if (!first || changed.some(({ group }) => group.meta !== first.group.meta)) {
      return null;
    }
    const { meta } = first.group;
    const columns = await this.reader.columnsOf(em, 'postgresql', meta);
    const replay = replayOf(em, meta, columns, changed);
    if (replay === null) {
      return null;
    }
    try {
      const journaling = this.journal && (await readJournalReplay(em, this.journal));
      const statements = [...(this.locks ? [replay.lock] : []), replay.update, journaling ?? []].flat();
      return {
        bytes: await this.recordBytes(em, statements),
        changesIndex: await changesIndex(em, meta, replay.columns),
      };
    } catch {
      // A constraint that only the handler's order of statements satisfies: the transaction is rolled back anyway.
      return null;
    }
  }

  /**
   * Of statements that are run again, rolled back: twice at least, as what the first has added to the table or other
   * connections have written is among its bytes, and until no page of an index is split.
   */
  private async recordBytes(em: EntityManager, statements: readonly string[]): Promise<number> {
    const pageBytes = await readPageBytes(em);
    let least = Infinity;
    for (let i = 0; i < MAX_REPLAYS; i++) {
      const { bytes, splits } = await this.write(em, statements);
      least = Math.min(least, Math.max(0, bytes - (splits * pageBytes) / 2));
      if (splits === 0 && i > 0) {
        break;
      }
    }
    return least;
  }

  private async write(em: EntityManager, statements: readonly string[]): Promise<Written> {
    await executeStatement(em, `rollback to savepoint ${SAVEPOINT}`, 'run');
    const pages = await treePages(em, this.groups);
    const from = await walPosition(em);
    for (const statement of statements) {
      await executeStatement(em, statement, 'run');
    }
    const bytes = (await walPosition(em)) - from;
    return { bytes, splits: (await treePages(em, this.groups)) - pages };
  }
}
