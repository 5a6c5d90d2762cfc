import { randomBytes } from 'node:crypto';
import { EntitySchema } from '@mikro-orm/core';
import { MikroORM, MongoDriver, ObjectId } from '@mikro-orm/mongodb';
import { Backfill, idRange, keyset } from 'nestjs-backfill';
import type { BatchHandler } from 'nestjs-backfill';
import { batchExecute } from 'nestjs-backfill/migrations';
import { BackfillHarness } from 'nestjs-backfill/testing';
import { startMongodb, type MongodbServer } from '../../support/services/mongodb.js';
import { defineBackfill } from '../../support/apps/index.js';
import { loadAll, planAll } from '../../integration/sources/plan-source.js';
import type { DriverDatabase } from '../../integration/drivers/driver-bench.js';
import { driverSuite } from '../../integration/drivers/driver.suite.js';
import { Entry, Wide } from '../../integration/drivers/entities.js';
import { outageSuite } from '../../integration/drivers/outage.suite.js';

/** Its primary key is an ObjectId, MongoDB's default. */
class Note {
  _id!: ObjectId;
  id!: string;
  text!: string;
  touches!: number;
}

const noteSchema = new EntitySchema<Note>({
  class: Note,
  collection: 'notes',
  properties: {
    _id: { type: 'ObjectId', primary: true },
    id: { type: 'string', serializedPrimaryKey: true },
    text: { type: 'string' },
    touches: { type: 'integer' },
  },
});

let server: MongodbServer | undefined;

async function open(): Promise<DriverDatabase> {
  const { MONGODB_URL } = process.env;
  server = MONGODB_URL ? undefined : await startMongodb();
  const options = {
    driver: MongoDriver,
    clientUrl: MONGODB_URL ?? server?.url ?? '',
    dbName: `backfill_test_${randomBytes(4).toString('hex')}`,
    discovery: { warnWhenNoEntities: false },
    driverOptions: { serverSelectionTimeoutMS: 20_000 },
  };
  return {
    options,
    close: async () => {
      const orm = await MikroORM.init({ ...options, entities: [] });
      await orm.em.getConnection().getDb().dropDatabase();
      await orm.close(true);
      await server?.stop();
    },
  };
}

const bench = driverSuite({
  name: 'mongodb',
  keyField: '_id',
  entities: [noteSchema],
  wideIntegers: false,
  transactions: false,
  locksRows: false,
  tellsIndex: false,
  open,
});
const base = { at: new Date(0), shard: 'eu', hidden: false, state: 'new', touches: 0 };
const rowOf = (key: string, id: number) => Object.assign({ [key]: id, code: `c${id}` }, base);
const hex = (i: number) => (i * 7919).toString(16).padStart(24, '0');
const upTo = (count: number) => Array.from({ length: count }, (_, i) => i + 1);

/** Inserts documents without MikroORM's types and defaults. */
async function insertRaw(collection: string, documents: Array<Record<string, unknown>>): Promise<void> {
  const connection = (bench.orm as unknown as MikroORM).em.getConnection();
  await connection.getCollection(collection).insertMany(documents);
}

describe('ObjectIds', () => {
  beforeEach(async () => {
    await bench.fill(
      Note,
      upTo(50).map((i) => ({ _id: new ObjectId(hex(i)), text: `${i % 4}`, touches: 0 })),
    );
  });

  it.each(['asc', 'desc'] as const)('are read in order, %s', async (direction) => {
    const source = keyset(Note, { orderBy: { _id: direction } });
    const planned = await planAll(bench, source, { batchSize: 8, limit: 2 });
    const loaded = await loadAll(bench, source, planned);
    const expected = upTo(50).map(hex);
    expect(loaded.flat().map(({ id }) => id)).toEqual(direction === 'asc' ? expected : expected.toReversed());
    expect(loaded.map((batch) => batch.length)).toEqual([8, 8, 8, 8, 8, 8, 2]);
  });

  it('are tie-breakers, and accepted as hex strings in from', async () => {
    const source = keyset(Note, { orderBy: { text: 'desc' } });
    const from = { text: '2', _id: hex(30) };
    const planned = await planAll(bench, source, { batchSize: 5, from });
    const ids = (await loadAll(bench, source, planned)).flat().map(({ id }) => id);
    const expected = [2, 1, 0].flatMap((rest) =>
      upTo(50)
        .filter((i) => i % 4 === rest && (rest < 2 || i <= 30))
        .toReversed(),
    );
    expect(ids).toEqual(expected.map(hex));
  });

  it('identify failed rows, which are retried by them', async () => {
    let broken = true;
    const handler = defineBackfill<never, Note>({
      name: 'touch-entries',
      guard: 'none',
      source: keyset(Note, { orderBy: { _id: 'asc' } }),
      config: { batchSize: 10, perSecondOnPeak: null, perSecondOffPeak: null, attempts: 1, backoffMs: 1 },
      processRow: (note) => {
        note.touches++;
        if (broken && note.id === hex(17)) throw new Error('bad');
      },
    });
    const { backfills, finished } = await bench.start(handler);
    await backfills.start('touch-entries');
    expect(await finished('touch-entries')).toMatchObject({ state: 'failed', rowsDone: 49, rowsFailed: 1 });
    expect((await backfills.failures('touch-entries')).items).toMatchObject([{ kind: 'row', key: hex(17) }]);
    broken = false;
    await backfills.retryFailures('touch-entries');
    expect(await finished('touch-entries')).toMatchObject({
      state: 'completed',
      rowsDone: 50,
      rowsFailed: 0,
    });
    expect(await bench.orm.em.fork().count(Note, { touches: 1 })).toBe(50);
  });

  it('are refused as key of idRange', () => {
    expect(() => idRange(Note, { key: '_id' as never }).prepare?.(bench.context())).toThrow(
      /\(key _id\): expected an integer property, got a property of type object-id\. Use keyset\(\)/,
    );
  });
});

describe('keys that a scan would skip', () => {
  const planEntries = () => planAll(bench, keyset(Entry, { orderBy: { code: 'asc' } }), { batchSize: 5 });
  const rows: Array<Record<string, unknown>> = upTo(9).map((i) => rowOf('_id', i));

  it.each([
    ['of another type', 5, /\(code\): expected a string in every row, as the entity declares it, got 5/],
    [
      'missing',
      undefined,
      /\(code\): expected a string in every row, .* got (null|a row without the property)/,
    ],
    ['null', null, /\(code\): expected a string in every row, .* got null/],
    ['a date', new Date(0), /\(code\): expected a string in every row/],
  ])('are refused: %s', async (_, code, message) => {
    await bench.fill(Entry, []);
    await insertRaw('entries', [...rows, { _id: 99, ...base, ...(code === undefined ? {} : { code }) }]);
    await expect(planEntries()).rejects.toThrow(message);
  });

  it.each([
    ['of another type', 5, 'rows with a value of another type'],
    ['missing', undefined, 'rows in which it is null'],
    ['a date', new Date(0), 'rows with a value of another type'],
  ])('are refused in a later sort key, between the bounds: %s', async (_, code, received) => {
    await bench.fill(Entry, []);
    await insertRaw('entries', [...rows, { _id: 5.5, ...base, ...(code === undefined ? {} : { code }) }]);
    const source = keyset(Entry, { orderBy: { shard: 'asc', id: 'asc', code: 'asc' } });
    await expect(source.open(bench.context(), {})).rejects.toMatchObject({
      code: 'BACKFILL_SOURCE_KEY',
      problem: { field: 'code', received },
    });
  });

  it('are refused if they are fractions between two ids', async () => {
    await bench.fill(Entry, []);
    await insertRaw('entries', [...rows, { _id: 99.5, ...base, code: 'c99' }]);
    await expect(planAll(bench, idRange(Entry), { batchSize: 5 })).rejects.toThrow(
      /\(id\): expected whole numbers, because ranges of ids contain no others, got 99\.5/,
    );
  });

  it('are refused as bigints, which MikroORM queries as strings', async () => {
    await bench.fill(Wide, []);
    await insertRaw(
      'wides',
      upTo(9).map((i) => ({ _id: i, touches: 0 })),
    );
    expect(() => idRange(Wide).prepare?.(bench.context())).toThrow(
      /\(key id\): expected a property of type number, because a document database does not compare others by value/,
    );
    await expect(planAll(bench, keyset(Wide, { orderBy: { id: 'asc' } }), { batchSize: 5 })).rejects.toThrow(
      /\(id\): expected a key that selects its own row, got \["1"\], which selects no row/,
    );
  });
});

describe('unsupported features of mongodb', () => {
  it('a dry run without transactions is refused', async () => {
    await bench.fill(
      Entry,
      upTo(10).map((id) => rowOf('id', id)),
    );
    const handler = defineBackfill<never, Entry>({
      name: 'touch-entries',
      guard: 'none',
      source: keyset(Entry, { orderBy: { id: 'asc' } }),
      config: { batchSize: 5, perSecondOnPeak: null, perSecondOffPeak: null },
      processBatch: (entries) => {
        for (const entry of entries) entry.touches++;
      },
    });
    const { backfills, finished } = await bench.start(handler);
    const dry = backfills.start('touch-entries', { dryRun: true });
    if (server) {
      await expect(dry).rejects.toMatchObject({
        code: 'BACKFILL_REQUEST_INVALID',
        message: expect.stringMatching(/expected dryRun to be a database with transactions.*replica set/),
      });
      expect(await backfills.runs('touch-entries')).toEqual([]);
    } else {
      await dry;
      await finished('touch-entries');
    }
    expect(await bench.orm.em.fork().count(Entry, { touches: 0 })).toBe(10);
  });

  it('SQL statements are refused', async () => {
    await expect(
      batchExecute(bench.context().em, { table: 'entries', stepSize: 5, sql: () => '' }),
    ).rejects.toThrow('expected em to be one of an SQL database, got "MongoPlatform"');
  });
});

describe('an outage of mongodb', () => outageSuite(bench, () => server, !process.env['MONGODB_URL']));

it('refuses batch and row handlers without guard: none, since documents cannot be locked', async () => {
  const handler = defineBackfill<never, Entry>({
    name: 'touch-entries',
    source: keyset(Entry, { orderBy: { id: 'asc' } }),
    processBatch: () => undefined,
  });
  await expect(bench.start(handler)).rejects.toMatchObject({
    code: 'BACKFILL_DEFINITION_INVALID',
    message: expect.stringMatching(/touch-entries.*locks rows.*guard: 'none'/),
  });
});

it('is asked for guard: none by BackfillHarness, too', async () => {
  await bench.fill(
    Entry,
    upTo(10).map((id) => rowOf('id', id)),
  );
  const harness = (guard?: 'none') => {
    @Backfill({
      name: 'touch-entries',
      source: keyset(Entry, { orderBy: { id: 'asc' } }),
      ...(guard && { guard }),
    })
    class TouchEntries implements BatchHandler<Entry> {
      processBatch(entries: Entry[]): void {
        for (const entry of entries) entry.touches++;
      }
    }
    return new BackfillHarness(new TouchEntries(), { em: bench.orm.em });
  };

  await expect(harness().runAll()).rejects.toMatchObject({
    code: 'BACKFILL_DEFINITION_INVALID',
    message: expect.stringMatching(/touch-entries.*locks rows.*guard: 'none'/),
  });
  expect(await harness('none').runAll()).toMatchObject({ state: 'completed', rowsDone: 10 });
  expect(await bench.orm.em.fork().count(Entry, { touches: 1 })).toBe(10);
});

it('has rows seeded by BackfillHarness, whose keys MongoDB generates', async () => {
  await bench.orm.em.fork().nativeDelete(Note, {});
  @Backfill({ name: 'touch-notes', source: keyset(Note, { orderBy: { _id: 'asc' } }), guard: 'none' })
  class TouchNotes implements BatchHandler<Note> {
    processBatch(notes: Note[]): void {
      for (const note of notes) note.touches = 7;
    }
  }
  const harness = new BackfillHarness(new TouchNotes(), { em: bench.orm.em });
  await harness.seed(Note, 2);

  expect(await harness.runAll()).toMatchObject({ state: 'completed', rowsDone: 2 });
  expect(await harness.rows(Note)).toMatchObject([
    { text: 'text 1', touches: 7 },
    { text: 'text 2', touches: 7 },
  ]);
});
