import { defineEntity, MikroORM, p } from '@mikro-orm/postgresql';
import type { InferEntity } from '@mikro-orm/postgresql';
import { Backfill, keyset } from 'nestjs-backfill';
import type { BackfillGuard, BatchHandler, RowHandler } from 'nestjs-backfill';
import { BackfillHarness } from 'nestjs-backfill/testing';
import { Client } from 'pg';
import { createTestDatabase } from '../../support/databases/index.js';

const Note = defineEntity({
  name: 'Note',
  properties: { id: p.integer().primary(), count: p.integer(), seen: p.integer() },
});
type NoteRow = InferEntity<typeof Note>;

const ROWS = 10;
const database = await createTestDatabase();
const orm = await MikroORM.init({ clientUrl: database.url, entities: [Note] });

beforeAll(() =>
  database.query('CREATE TABLE note (id int PRIMARY KEY, count int NOT NULL, seen int NOT NULL)'),
);
beforeEach(async () => {
  await database.query('TRUNCATE note');
  await database.query(`INSERT INTO note SELECT id, 0, 0 FROM generate_series(1, ${ROWS}) id`);
});
afterAll(() => orm.close());

const counts = async () =>
  (await database.query<{ count: number }>('SELECT count FROM note ORDER BY id')).map(({ count }) => count);

type Shape = 'batch' | 'row';

/** A handler that adds 10 to every count, and has something done before each row. */
function addTen(shape: Shape, guard?: BackfillGuard, before: (row: NoteRow) => unknown = () => undefined) {
  const options = {
    name: 'add-ten',
    source: keyset(Note, { orderBy: { id: 'asc' } }),
    config: { batchSize: 4 },
    ...(guard && { guard }),
  };
  const add = async (row: NoteRow) => {
    await before(row);
    row.count += 10;
  };
  @Backfill(options)
  class AddTenToBatch implements BatchHandler<NoteRow> {
    async processBatch(rows: NoteRow[]): Promise<void> {
      for (const row of rows) await add(row);
    }
  }
  @Backfill(options)
  class AddTenToRow implements RowHandler<NoteRow> {
    processRow(row: NoteRow): Promise<void> {
      return add(row);
    }
  }
  return new BackfillHarness(shape === 'batch' ? new AddTenToBatch() : new AddTenToRow(), { em: orm.em });
}

/** Holds a row until it is told to stop. */
async function holdRow(id: number): Promise<() => Promise<void>> {
  const stranger = new Client({ connectionString: database.url });
  await stranger.connect();
  await stranger.query('BEGIN');
  await stranger.query(`SELECT * FROM note WHERE id = ${id} FOR UPDATE`);
  return async () => {
    await stranger.query('COMMIT');
    await stranger.end();
  };
}

describe.each<Shape>(['batch', 'row'])('the guard of a %s handler in BackfillHarness', (shape) => {
  /** The app writes row 7 after it was loaded, once. */
  function writeSeven(column: 'count' | 'seen') {
    const state = { calls: 0 };
    const before = async ({ id }: NoteRow) => {
      state.calls += id === 7 ? 1 : 0;
      if (id === 7 && state.calls === 1) {
        await database.query(`UPDATE note SET ${column} = 5 WHERE id = 7`);
      }
    };
    return { state, before };
  }

  it.each<[string, BackfillGuard | undefined, 'count' | 'seen', number, number]>([
    ['recheck, by default', undefined, 'count', 15, 2],
    ['of the columns that were written', { columns: ['count'] }, 'count', 15, 2],
    ['of other columns', { columns: ['count'] }, 'seen', 10, 1],
    ['none', 'none', 'count', 10, 1],
  ])('is that of @Backfill: %s', async (_, guard, column, count, calls) => {
    const { state, before } = writeSeven(column);

    const result = await addTen(shape, guard, before).runAll();

    expect(result).toMatchObject({ state: 'completed', rowsDone: ROWS });
    expect({ count: (await counts())[6], calls: state.calls }).toEqual({ count, calls });
  });

  it('waits for a row that somebody else holds', async () => {
    const release = await holdRow(7);
    const state = { sevens: 0 };
    const harness = addTen(shape, undefined, async ({ id }) => {
      state.sevens += id === 7 ? 1 : 0;
      if (id === 7 && state.sevens === 3) await release();
    });

    expect(await harness.runAll()).toMatchObject({ state: 'completed', rowsDone: ROWS });
    expect(await counts()).toEqual(Array.from({ length: ROWS }, () => 10));
  });

  it.each(['runAll', 'runRange'] as const)('says in %s which row somebody holds for long', async (method) => {
    const release = await holdRow(3);

    await expect(addTen(shape)[method]()).rejects.toMatchObject({
      code: 'BACKFILL_ROWS_LOCKED',
      message: expect.stringMatching(/"add-ten".*\[3\].*another transaction.*Commit it/s),
    });
    await release();
    expect((await counts()).slice(0, 4)).toEqual([10, 10, 0, 10]);
  });

  it('is refused as in the app when it names no property of the entity', async () => {
    await expect(addTen(shape, { columns: ['contents'] }).runAll()).rejects.toThrow(
      /guard of backfill "add-ten" must name properties of Note \(id, count, seen\), got "contents"/,
    );
    expect(() => addTen(shape, 'recheckk' as never)).toThrow(/must be 'recheck', .*got "recheckk"/);
  });
});

it('holds the rows of a batch with the guard lock, and refuses it for a row handler', async () => {
  const seen: unknown[] = [];
  const harness = addTen('batch', 'lock', async ({ id }) => {
    seen.push(...(await database.query(`SELECT id FROM note WHERE id = ${id} FOR UPDATE SKIP LOCKED`)));
  });

  expect(await harness.runAll()).toMatchObject({ state: 'completed', rowsDone: ROWS });
  expect(seen).toEqual([]);
  await expect(addTen('row', 'lock').runAll()).rejects.toMatchObject({
    code: 'BACKFILL_DEFINITION_INVALID',
    message: expect.stringMatching(/guard 'lock' of backfill "add-ten" needs a batch handler/),
  });
});
