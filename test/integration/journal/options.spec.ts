import { EntitySchema } from '@mikro-orm/core';
import { MikroORM } from '@mikro-orm/postgresql';
import { BACKFILL_JOURNAL_ENTITIES, createJournalSchema, keyset } from 'nestjs-backfill';
import type { Type } from '@nestjs/common';
import { z } from 'zod';
import { JournalStore } from '../../../lib/journal/journal.store.js';
import { createAppBench, defineBackfill, eventually, Item } from '../../support/apps/index.js';

class Tag {
  id!: number;
}
class Note {
  id!: number;
  text!: string;
  tags!: { add(tag: Tag): void };
}
const TagSchema = new EntitySchema<Tag>({
  class: Tag,
  tableName: 'tags',
  properties: { id: { type: 'integer', primary: true, autoincrement: false } },
});
const NoteSchema = new EntitySchema<Note>({
  class: Note,
  tableName: 'notes',
  properties: {
    id: { type: 'integer', primary: true, autoincrement: false },
    text: { type: 'text' },
    tags: { kind: 'm:n', entity: () => Tag, pivotTable: 'notes_tags' } as never,
  },
});

const ROWS = 12;
const CONFIG = { batchSize: 4, perSecondOnPeak: null, perSecondOffPeak: null, attempts: 2, backoffMs: 0 };
const bench = await createAppBench();
const { database } = bench;
const statements: string[] = [];
await createJournalSchema({ addSql: (sql) => statements.push(sql) });
await database.query(statements.join('\n'));
await database.query(`
  CREATE TABLE notes (id int PRIMARY KEY, text text NOT NULL);
  CREATE TABLE tags (id int PRIMARY KEY);
  CREATE TABLE notes_tags (note_id int REFERENCES notes, tag_id int REFERENCES tags, PRIMARY KEY (note_id, tag_id));
`);

beforeEach(async () => {
  await database.query('TRUNCATE notes, tags, notes_tags, backfill_journals, backfill_journal_rows');
  await bench.fillItems(`SELECT generate_series(1, ${ROWS})`);
});

const start = (handler: Type, entities = [Item, TagSchema, NoteSchema, ...BACKFILL_JOURNAL_ENTITIES]) =>
  bench.start({ entities: entities as never, handlers: [handler] });
const contents = () => database.query('SELECT state, touches FROM items GROUP BY 1, 2 ORDER BY 1, 2');
const source = keyset(Item, { orderBy: { id: 'asc' } });

it('a run with parameters is undone without them', async () => {
  const { backfills, finished } = await start(
    defineBackfill<never, Item>({
      name: 'touch',
      params: z.object({ state: z.string(), upTo: z.int() }),
      source: (({ params }: { params: { upTo: number } }) =>
        keyset(Item, { orderBy: { id: 'asc' }, where: { id: { $lte: params.upTo } } })) as never,
      undo: {},
      config: CONFIG,
      processBatch: (items, { params }) =>
        items.forEach((item) => (item.state = (params as { state: string }).state)),
    }),
  );
  const { runId } = await backfills.start('touch', { params: { state: 'done', upTo: 5 } });
  expect(await finished('touch')).toMatchObject({ state: 'completed', journaled: 5 });
  expect(await contents()).toEqual([
    { state: 'done', touches: 0 },
    { state: 'new', touches: 0 },
  ]);
  await backfills.undo('touch', { runId });
  expect(await finished('touch')).toMatchObject({
    state: 'completed',
    rowsDone: 5,
    params: null,
    conflicts: 0,
  });
  expect(await contents()).toEqual([{ state: 'new', touches: 0 }]);
});

it('undo.columns alone are journaled, decide conflicts, and come back', async () => {
  const { backfills, finished } = await start(
    defineBackfill<never, Item>({
      name: 'touch',
      source,
      undo: { columns: ['state'] },
      config: CONFIG,
      processBatch: (items) =>
        items.forEach((item) => {
          item.touches = 1;
          item.state = item.id === 12 ? item.state : 'done';
        }),
    }),
  );
  const { runId } = await backfills.start('touch');
  expect(await finished('touch')).toMatchObject({ state: 'completed', journaled: ROWS - 1 });
  const columns = await database.query(
    'SELECT DISTINCT jsonb_object_keys(values_before || hashes_after) AS name FROM backfill_journal_rows',
  );
  expect(columns).toEqual([{ name: 'state' }]);
  await database.query('UPDATE items SET touches = 7 WHERE id = 1');
  await database.query(`UPDATE items SET state = 'theirs' WHERE id = 2`);
  await backfills.undo('touch', { runId });
  expect(await finished('touch')).toMatchObject({ state: 'completed', conflicts: 1 });
  expect(await database.query('SELECT state, touches FROM items WHERE id < 4 ORDER BY id')).toEqual([
    { state: 'new', touches: 7 },
    { state: 'theirs', touches: 1 },
    { state: 'new', touches: 1 },
  ]);
});

it('a many-to-many collection is refused at the first row that changes one, and nothing is written', async () => {
  await database.query('INSERT INTO tags VALUES (1)');
  await database.query(`INSERT INTO notes SELECT g, 'new' FROM generate_series(1, 3) g`);
  const { backfills, finished } = await start(
    defineBackfill<never, Note>({
      name: 'tag',
      source: keyset(NoteSchema, { orderBy: { id: 'asc' } }),
      undo: {},
      config: CONFIG,
      processRow: (note, { em }) => {
        note.text = 'old';
        note.tags.add(em.getReference(Tag, 1));
      },
    }),
  );
  await backfills.start('tag');
  expect(await finished('tag')).toMatchObject({
    state: expect.stringMatching(/failed|paused/),
    lastError: {
      message: expect.stringContaining(
        'has the option undo, and its handler changes the many-to-many collection tags',
      ),
    },
  });
  expect(await database.query('SELECT DISTINCT text FROM notes')).toEqual([{ text: 'new' }]);
  expect(await database.query('SELECT * FROM backfill_journal_rows')).toEqual([]);
});

it('a run is not undone without its handler, or without the option undo, and the error says why', async () => {
  const handler = (name: string, undo?: object) =>
    defineBackfill<never, Item>({
      name,
      source,
      ...(undo ? { undo } : {}),
      config: CONFIG,
      processBatch: (items) => items.forEach((item) => (item.touches = 1)),
    });
  const { backfills, finished, close } = await start(handler('touch', {}));
  const { runId } = await backfills.start('touch');
  await finished('touch');
  await close();
  const without = await start(handler('touch'));
  await expect(without.backfills.undo('touch', { runId })).rejects.toThrow(
    'its handler has no option undo. Add it to @Backfill',
  );
  await without.close();
  const other = await start(handler('other', {}));
  await expect(other.backfills.undo('touch', { runId })).rejects.toMatchObject({
    code: 'BACKFILL_NOT_FOUND',
  });
  await other.close();
  const again = await start(handler('touch', {}));
  await again.backfills.undo('touch', { runId });
  expect(await again.finished('touch')).toMatchObject({ state: 'completed', undoes: runId, rowsDone: ROWS });
  expect(await contents()).toEqual([{ state: 'new', touches: 0 }]);
});

it('an old journal is removed some rows at a time', async () => {
  const { app, backfills, finished } = await start(
    defineBackfill<never, Item>({
      name: 'touch',
      source,
      undo: {},
      config: CONFIG,
      processBatch: (items) => items.forEach((item) => (item.touches = 1)),
    }),
  );
  const { runId } = await backfills.start('touch');
  await finished('touch');
  const store = app.get(JournalStore, { strict: false });
  const removed = [];
  for (let i = 0; i < 4; i++) {
    removed.push(await store.removeRows({}, runId, 5));
  }
  expect(removed).toEqual([5, 5, 2, 0]);
});

it('the schema generator of MikroORM has nothing to change in the tables of the journal', async () => {
  const orm = await MikroORM.init({ clientUrl: database.url, entities: [...BACKFILL_JOURNAL_ENTITIES] });
  try {
    expect(await orm.schema.getUpdateSchemaSQL({ dropTables: false, safe: false })).not.toContain(
      'backfill_',
    );
  } finally {
    await orm.close();
  }
});

it('a run that undoes another waits for its table where the budget says so', async () => {
  let isOpen = false;
  const other = defineBackfill({
    name: 'other',
    source,
    config: CONFIG,
    processRange: async (_range, { signal }) => {
      await eventually('the gate', () => isOpen || signal.aborted, Boolean);
    },
  });
  const touch = defineBackfill<never, Item>({
    name: 'touch',
    source,
    undo: {},
    config: CONFIG,
    processBatch: (items) => items.forEach((item) => (item.state = 'done')),
  });
  const { backfills, finished } = await bench.start({
    entities: [Item, ...BACKFILL_JOURNAL_ENTITIES] as never,
    handlers: [touch, other],
    options: { budget: { perTable: 1 } },
  });
  const { runId } = await backfills.start('touch');
  expect(await finished('touch')).toMatchObject({ state: 'completed', journaled: ROWS });
  const { runId: otherId } = await backfills.start('other');
  await eventually('the other run', backfills.budget.bind(backfills), ({ runs }) =>
    runs.some((run) => run.runId === otherId && run.ranges > 0),
  );
  await backfills.undo('touch', { runId });
  const waiting = await eventually(
    'the undo to wait',
    () => backfills.status('touch'),
    ({ held }) => held !== null,
  );
  expect(waiting.held?.reason).toBe(`the budget: run ${otherId} works on its table (perTable)`);
  expect(waiting.undoes).toBe(runId);
  isOpen = true;
  expect(await finished('other')).toMatchObject({ state: 'completed' });
  expect(await finished('touch')).toMatchObject({ state: 'completed', undoes: runId });
});
