import { EntitySchema, EventType } from '@mikro-orm/core';
import type { EntityManager } from '@mikro-orm/core';
import { MikroORM } from '@mikro-orm/postgresql';
import { BACKFILL_JOURNAL_ENTITIES, createJournalSchema } from 'nestjs-backfill';
import { FlushJournal } from '../../../lib/journal/flush.journal.js';
import { DatabaseSnapshot } from '../../../lib/processing/guard/database-snapshot.js';
import { WriteGuard } from '../../../lib/processing/guard/write-guard.js';
import { createTestDatabase } from '../../support/databases/index.js';

interface Card {
  id: number;
  title: string | null;
  rank: number;
  note: string;
}

const CardSchema = new EntitySchema<Card>({
  name: 'Card',
  tableName: 'cards',
  properties: {
    id: { type: 'integer', primary: true, autoincrement: false },
    title: { type: 'text', nullable: true },
    rank: { type: 'integer' },
    note: { type: 'text' },
  },
});

/** What a guarded flush with a journal has done. */
interface Flushed {
  /** The statements of the flush, by their first words. */
  readonly statements: readonly string[];
  readonly leftOut: readonly number[];
  readonly counted: number;
  readonly entries: readonly Record<string, unknown>[];
  readonly rows: readonly Record<string, unknown>[];
}

interface FlushOptions {
  /** `MikroORM`: a handler's listener for single rows keeps the guard from writing them. */
  readonly by?: 'guard' | 'MikroORM';
  /** Names of the columns that are journaled; `null`: all; `none`: there is no journal. */
  readonly columns?: readonly string[] | null | 'none';
  /** Between the load of the rows and their flush. */
  readonly disturb?: (em: EntityManager) => Promise<unknown>;
}

const database = await createTestDatabase();
const schema: string[] = [];
await createJournalSchema({ addSql: (sql) => schema.push(sql) });
await database.query(schema.join('\n'));
const sql: string[] = [];
// Each test has a connection of its own, and nothing is known of the table of another.
let orm: MikroORM;
beforeEach(async () => {
  orm = await MikroORM.init({
    clientUrl: database.url,
    entities: [CardSchema, ...BACKFILL_JOURNAL_ENTITIES],
    debug: ['query'],
    colors: false,
    logger: (line) => sql.push(line.replace(/^\[query\] /, '')),
  });
});
afterEach(() => orm.close(true));

const COLUMNS = 'id int PRIMARY KEY, title text, rank int NOT NULL, note text NOT NULL, writes int DEFAULT 0';
const FILL = `INSERT INTO cards SELECT g, CASE WHEN g % 2 = 0 THEN 'it''s ' || g END, g, 'note' FROM generate_series(1, 6) g`;

async function createCards(create = `CREATE TABLE cards (${COLUMNS})`): Promise<void> {
  await database.query(`DROP TABLE IF EXISTS cards; ${create}; ${FILL}; TRUNCATE backfill_journal_rows`);
}

/** A trigger of the table, or of one of its partitions. */
async function createTrigger(when: string, work: string, table = 'cards'): Promise<void> {
  await database.query(
    `CREATE OR REPLACE FUNCTION react() RETURNS trigger AS $$ BEGIN ${work} RETURN NEW; END $$ LANGUAGE plpgsql; ` +
      `CREATE TRIGGER react ${when} ON ${table} FOR EACH ROW EXECUTE FUNCTION react()`,
  );
}

/** Of this database alone: transactions of other tests, on the same server, hold back a snapshot that is taken. */
async function currentSnapshot(): Promise<DatabaseSnapshot> {
  const [current] = await database.query<{ xid: string }>('SELECT txid_current()::text AS xid');
  return new DatabaseSnapshot(BigInt(current?.xid ?? ''));
}

/** Changes rows and flushes them, with a guard and a journal. */
async function flush(
  edit: (cards: Card[]) => void,
  { by = 'guard', columns = null, disturb }: FlushOptions = {},
): Promise<Flushed> {
  let counted = 0;
  const journal = new FlushJournal({
    runId: 'run',
    backfill: 'cards',
    columnsOf: () => (columns === 'none' ? null : columns),
    open: () => Promise.resolve(),
    count: (_, rows) => {
      counted += rows;
      return Promise.resolve();
    },
  });
  const em = orm.em.fork({ freshEventManager: true });
  if (by === 'MikroORM') {
    em.getEventManager().registerSubscriber({ [EventType.beforeUpdate]: () => undefined });
  }
  const guard = new WriteGuard(em, {
    guard: { snapshot: await currentSnapshot(), columns: null },
    journal: columns === 'none' ? null : journal,
  });
  const cards = await em.find(CardSchema, {}, { orderBy: { id: 'asc' } });
  guard.watch(cards);
  edit(cards);
  await disturb?.(em);
  sql.length = 0;
  const { changed, locked } = await guard.flush();
  return {
    statements: sql.map((line) => /^\w+/.exec(line)?.[0] ?? line),
    leftOut: [...changed, ...locked].map((card) => (card as Card).id),
    counted,
    entries: await database.query(
      'SELECT row_key, operation, values_before, hashes_after FROM backfill_journal_rows ORDER BY row_key',
    ),
    rows: await database.query('SELECT * FROM cards ORDER BY id'),
  };
}

/** Changes some columns of some rows, and one to the value that it has. */
function shuffle(cards: Card[]): void {
  const [first, second, third, fourth] = cards;
  Object.assign(first ?? {}, { title: 'new "title"', rank: 10 });
  Object.assign(second ?? {}, { title: null });
  Object.assign(third ?? {}, { rank: 30 });
  Object.assign(fourth ?? {}, { title: 'new', rank: 40, note: '' });
}

const CHANGED = 4;

/** Flushes by MikroORM and by the guard, which have to do the same. */
async function flushTwice(create: () => Promise<void>, options: FlushOptions = {}): Promise<Flushed> {
  await create();
  const { entries, rows, counted } = await flush(shuffle, { ...options, by: 'MikroORM' });
  // The first flush of a connection reads what the table is like.
  await create();
  await flush(shuffle, options);
  await create();
  const guarded = await flush(shuffle, options);
  expect(guarded).toMatchObject({ entries, rows, counted });
  return guarded;
}

const FAST = ['begin', 'with', 'commit'];

it('rows are locked, written and journaled in one statement', async () => {
  const { statements, entries, counted } = await flushTwice(createCards);
  expect(statements).toEqual(FAST);
  expect(counted).toBe(CHANGED);
  expect(entries.map((entry) => [entry['row_key'], entry['values_before']])).toEqual([
    ['1', { title: null, rank: '1' }],
    ['2', { title: `it's 2` }],
    ['3', { rank: '3' }],
    ['4', { title: `it's 4`, rank: '4', note: 'note' }],
  ]);
});

it('a flush without a journal has the same statements, which do not name one', async () => {
  await createCards();
  await flush(shuffle, { columns: 'none' });
  await createCards();
  const { statements, entries } = await flush(shuffle, { columns: 'none' });
  expect(statements).toEqual(FAST);
  expect(sql.join()).not.toContain('journal');
  expect(entries).toEqual([]);
});

it('only the columns that are to be journaled are', async () => {
  const { entries, counted } = await flushTwice(createCards, { columns: ['rank'] });
  expect(counted).toBe(3);
  expect(entries.map((entry) => Object.keys(Object(entry['values_before'])))).toEqual([
    ['rank'],
    ['rank'],
    ['rank'],
  ]);
  expect(await flushTwice(createCards, { columns: ['writes'] })).toMatchObject({ entries: [], counted: 0 });
});

it('what a trigger before the update writes is journaled in the same statement', async () => {
  const create = async () => {
    await createCards();
    await createTrigger('BEFORE UPDATE', `NEW.writes := OLD.writes + 1; NEW.note := upper(NEW.note);`);
    await flush((cards) => cards.forEach((card) => (card.rank += 100)), { by: 'MikroORM' });
    await database.query('TRUNCATE backfill_journal_rows');
  };
  const { statements, entries } = await flushTwice(create);
  expect(statements).toEqual(FAST);
  expect(entries).toHaveLength(CHANGED);
  expect(entries[0]?.['values_before']).toEqual({ title: null, rank: '101', writes: '1' });
});

it.each([
  ['of the table', `CREATE TABLE cards (${COLUMNS})`, 'cards'],
  [
    'of a partition',
    `CREATE TABLE cards (${COLUMNS}) PARTITION BY RANGE (id); ` +
      'CREATE TABLE cards_0 PARTITION OF cards FOR VALUES FROM (0) TO (3); CREATE TABLE cards_3 PARTITION OF cards DEFAULT',
    'cards_3',
  ],
])('what a trigger %s after the update writes is journaled', async (_, table, owner) => {
  const create = async () => {
    await createCards(table);
    await createTrigger(
      'AFTER UPDATE',
      'IF pg_trigger_depth() = 1 THEN UPDATE cards SET rank = NEW.rank + 1, writes = 9 WHERE id = NEW.id; END IF;',
      owner,
    );
  };
  const { entries, rows } = await flushTwice(create);
  expect(entries[3]).toMatchObject({ values_before: { rank: '4', writes: '0' } });
  expect(rows[3]).toMatchObject({ rank: 41, writes: 9 });
});

it.each(['guard', 'MikroORM'] as const)(
  'a trigger that changes primary keys is refused, and nothing is written: by %s',
  async (by) => {
    await createCards();
    await createTrigger('BEFORE UPDATE', 'NEW.id := OLD.id + 100;');
    for (let i = 0; i < 2; i++) {
      await expect(flush(shuffle, { by })).rejects.toThrow(
        'changes the primary key of a Card, or deletes it, by a trigger',
      );
    }
    expect(await database.query('SELECT 1 FROM cards WHERE id > 100')).toEqual([]);
    expect(await database.query('SELECT 1 FROM backfill_journal_rows')).toEqual([]);
  },
);

it('a trigger that was created after the first flush is noticed', async () => {
  await createCards();
  const raise = (cards: Card[]) => cards.forEach((card) => card.rank++);
  await flush(raise);
  expect((await flush(raise)).statements).toEqual(FAST);
  await createTrigger('BEFORE UPDATE', 'NEW.writes := OLD.writes + 1;');
  await database.query('TRUNCATE backfill_journal_rows');
  const { statements, entries, counted } = await flush(raise);
  expect(statements.filter((word) => word === 'rollback')).toHaveLength(1);
  expect(counted).toBe(entries.length);
  expect(entries[0]?.['values_before']).toEqual({ rank: '3', writes: '0' });
  await flush(raise);
  expect((await flush(raise)).statements).toEqual(FAST);
});

it('rows that the guard leaves out are not journaled', async () => {
  await createCards();
  const { entries, counted, leftOut, rows } = await flush(shuffle, {
    disturb: () => database.query(`UPDATE cards SET note = 'theirs' WHERE id = 3`),
  });
  expect(leftOut).toEqual([3]);
  expect(entries.map((entry) => entry['row_key'])).toEqual(['1', '2', '4']);
  expect(counted).toBe(3);
  expect(rows[2]).toMatchObject({ note: 'theirs', rank: 3 });
});

it('rows that others have written as they were are journaled', async () => {
  await createCards();
  const { entries, counted, leftOut } = await flush(shuffle, {
    disturb: () => database.query('UPDATE cards SET note = note WHERE id = 3'),
  });
  expect([leftOut, counted]).toEqual([[], CHANGED]);
  expect(entries.map((entry) => entry['row_key'])).toEqual(['1', '2', '3', '4']);
});

it('what a handler has flushed itself keeps the values from before that', async () => {
  await createCards();
  let cards: Card[] = [];
  const edit = (loaded: Card[]) => {
    cards = loaded;
    cards.forEach((card) => (card.rank = -card.id));
  };
  const { statements, entries } = await flush(edit, {
    disturb: async (em) => {
      await em.flush();
      cards.forEach((card) => (card.rank -= 10));
    },
  });
  expect(statements).toContain('with');
  expect(entries.map((entry) => entry['values_before'])).toEqual(
    [1, 2, 3, 4, 5, 6].map((rank) => ({ rank: String(rank) })),
  );
});

it('a flush that fails leaves nothing in the journal, and its error is that of MikroORM', async () => {
  const create = `CREATE TABLE cards (${COLUMNS}, CHECK (rank <> 30))`;
  await createCards(create);
  await expect(flush(shuffle)).rejects.toThrow('cards_rank_check');
  expect(await database.query('SELECT * FROM backfill_journal_rows')).toEqual([]);
});
