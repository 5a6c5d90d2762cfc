import { BigIntType, EntitySchema, EventType, Type } from '@mikro-orm/core';
import type { EventSubscriber } from '@mikro-orm/core';
import { MikroORM } from '@mikro-orm/postgresql';
import { DatabaseSnapshot } from '../../../lib/processing/guard/database-snapshot.js';
import { WriteGuard } from '../../../lib/processing/guard/write-guard.js';
import { createTestDatabase } from '../../support/databases/index.js';
import { sized } from '../../support/thorough.js';

interface Row {
  id: number;
  value?: unknown;
  other?: string | null;
}

/** Text that the database keeps in upper case. */
class LoudType extends Type<string, string> {
  override convertToDatabaseValueSQL(key: string): string {
    return `upper(${key})`;
  }

  override getColumnType(): string {
    return 'text';
  }
}

const database = await createTestDatabase();
await database.query('CREATE EXTENSION citext');
await database.query(`CREATE DOMAIN digits AS text CHECK (value ~ '^[0-9]+$')`);
await database.query(`CREATE TYPE letter AS ENUM ('b', 'a')`);

const TEXTS = [
  'plain',
  `it's`,
  String.raw`back\slash "quoted" \u0041`,
  '{a,b}',
  'null',
  '',
  'what? ?? $1',
  'ü 漢 🙂',
  'a\nb\t',
];
const DOCUMENTS = [
  { a: [1, { b: null }], c: `it's "so"` },
  [1, 'two', null],
  'text',
  5,
  true,
  {},
  [],
  { 'ключ?': 1e21 },
];
const TIMES = ['2026-11-27T12:34:56.789Z', '1969-07-20T20:17:00Z', '0044-03-15T00:00:00Z'].map(
  (time) => new Date(time),
);
const buffer = Buffer.from([0, 1, 2, 255]);

/** The statement of the guard writes values of these columns: name, column type, property, values. */
const PLAIN: ReadonlyArray<readonly [string, string, object, readonly unknown[]]> = [
  ['integers', 'int', { type: 'integer' }, [1, -2, 0]],
  ['integers as text', 'bigint', { type: 'bigint' }, ['9007199254740993', '-1']],
  ['bigints', 'bigint', { type: new BigIntType('bigint') }, [9007199254740993n, -1n]],
  [
    'decimals as text',
    'numeric(12,2)',
    { type: 'decimal', mode: 'string' },
    ['1.239', '-7', '1000000000.01'],
  ],
  ['decimals as numbers', 'numeric', { type: 'decimal', mode: 'number' }, [1.25, -7, 1e21]],
  ['floats', 'float8', { type: 'double' }, [1.5, 1e-7, 1e300, 5, -0.1]],
  ['short floats', 'real', { type: 'float' }, [1.5, 0.1]],
  ['bits', 'bit(3)', { type: 'text', columnType: 'bit(3)' }, ['101']],
  ['booleans', 'boolean', { type: 'boolean' }, [true, false]],
  ['text', 'text', { type: 'text' }, TEXTS],
  ['text of limited length', 'varchar(40)', { type: 'string', length: 40 }, TEXTS],
  ['text of fixed length', 'char(5)', { type: 'character', length: 5 }, ['a', 'abcde']],
  ['text without a case', 'citext', { type: 'text', columnType: 'citext' }, ['A', 'b']],
  ['an enum', 'letter', { type: 'string', columnType: 'letter' }, ['a', 'b']],
  ['UUIDs', 'uuid', { type: 'uuid' }, ['00000000-0000-4000-8000-000000000001']],
  ['times', 'timestamptz', { type: 'datetime' }, TIMES],
  ['times without a zone', 'timestamp(3)', { type: 'datetime', columnType: 'timestamp(3)' }, TIMES],
  ['dates', 'date', { type: 'date' }, ['2026-11-27', '0044-03-15']],
  ['times of day', 'time', { type: 'time' }, ['12:34:56.789']],
  ['intervals', 'interval', { type: 'interval' }, ['1 day 02:03:04']],
  ['addresses', 'inet', { type: 'text', columnType: 'inet' }, ['10.0.0.1']],
  ['documents', 'jsonb', { type: 'json' }, DOCUMENTS],
  ['documents as text', 'json', { type: 'json', columnType: 'json' }, DOCUMENTS],
  ['arrays', 'text[]', { type: 'array' }, [['a', `it's`, 'b"c', 'd,e'], []]],
];

/** MikroORM writes values of these. */
const OTHERS: typeof PLAIN = [
  ['bytes', 'bytea', { type: 'blob' }, [buffer]],
  ['a domain', 'digits', { type: 'text' }, ['01', '2']],
  ['text that a statement converts', 'text', { type: new LoudType() }, ['a', 'b']],
  ['numbers that a column rounds', 'int', { type: 'double', columnType: 'int' }, [1.5, 2.4]],
  ['long text', 'text', { type: 'text' }, ['x'.repeat(9 * 1024 * 1024)]],
  ['text that is not well-formed', 'text', { type: 'text' }, ['\uD800']],
];

function schemaOf(property: object, extra: object = {}): EntitySchema<Row> {
  return new EntitySchema<Row>({
    name: 'Row',
    tableName: 'rows',
    properties: {
      id: { type: 'integer', primary: true, autoincrement: false },
      value: { ...property, nullable: true },
      other: { type: 'text', nullable: true },
    } as never,
    ...extra,
  });
}

async function createRows(columnType: string, count: number): Promise<void> {
  await database.query('DROP TABLE IF EXISTS rows');
  await database.query(
    `CREATE TABLE rows (id int PRIMARY KEY, value ${columnType}, other text DEFAULT 'old')`,
  );
  await database.query(`INSERT INTO rows SELECT g FROM generate_series(1, ${count}) g`);
}

const contents = () => database.query('SELECT id, value::text AS value, other FROM rows ORDER BY id');

/** Of this database alone: transactions of other tests, on the same server, hold back a snapshot that is taken. */
async function currentSnapshot(): Promise<DatabaseSnapshot> {
  const [current] = await database.query<{ xid: string }>('SELECT txid_current()::text AS xid');
  return new DatabaseSnapshot(BigInt(current?.xid ?? ''));
}

interface ChangeOptions {
  /** Listens after the guard. */
  readonly late?: EventSubscriber;
  readonly guarded?: boolean;
  readonly subscribers?: EventSubscriber[];
  readonly config?: object;
  /** Between the load of the rows and their flush. */
  readonly disturb?: () => Promise<unknown>;
}

/** Changes all rows with a guard or without; answers the statements that updated rows, and the rows left out. */
async function change(
  schema: EntitySchema<Row>,
  edit: (rows: Row[]) => unknown,
  { guarded = true, subscribers = [], config = {}, disturb, late }: ChangeOptions = {},
): Promise<{ updates: string[]; leftOut: number[] }> {
  const statements: string[] = [];
  const orm = await MikroORM.init({
    clientUrl: database.url,
    entities: [schema],
    subscribers,
    debug: ['query'],
    colors: false,
    logger: (line) => statements.push(line),
    ...config,
  });
  try {
    const em = orm.em.fork();
    const snapshot = await currentSnapshot();
    const guard = guarded ? new WriteGuard(em, { guard: { snapshot, columns: null }, journal: null }) : null;
    if (late) {
      em.getEventManager().registerSubscriber(late);
    }
    const rows = await em.find(schema, {}, { orderBy: { id: 'asc' } });
    guard?.watch(rows);
    edit(rows);
    await disturb?.();
    const left = await (guard?.flush() ?? em.flush());
    const leftOut = left ? ([...left.changed, ...left.locked] as Row[]).map(({ id }) => id) : [];
    return { updates: statements.filter((line) => /\bupdate "/.test(line)), leftOut };
  } finally {
    await orm.close();
  }
}

const isOwn = (statement: string) => statement.includes('json_to_recordset');

/** A cycle of the values, and null. */
const editWith =
  (values: readonly unknown[]) =>
  (rows: Row[]): void =>
    rows.forEach((row, index) => (row.value = [...values, null][index]));

/** Of the settings for time zones `npm test` takes all for times only. */
const zonesFor = (columnType: string) =>
  [{}, { timezone: '+02:00' }, { forceUtcTimezone: true }].slice(
    0,
    sized(/time|date|json/.test(columnType) ? 3 : 1, 3),
  );

describe.each(PLAIN)('values of %s', (_, columnType, property, values) => {
  it.each(zonesFor(columnType))('are written as by MikroORM: %j', async (config) => {
    const schema = schemaOf(property);
    // The value that is null already does not change.
    await createRows(columnType, values.length + 1);
    await change(schema, editWith(values), { guarded: false, config });
    const expected = await contents();

    await createRows(columnType, values.length + 1);
    const { updates } = await change(schema, editWith(values), { config });
    expect(await contents()).toEqual(expected);
    expect(updates).toHaveLength(1);
    expect(updates.every(isOwn)).toBe(true);

    // All to null.
    await change(schema, editWith([]), { config });
    expect((await contents()).map(({ value }) => value)).toEqual(expected.map(() => null));
  });
});

describe.each(OTHERS)('values of %s', (_, columnType, property, values) => {
  it('are written by MikroORM', async () => {
    const schema = schemaOf(property);
    await createRows(columnType, values.length);
    await change(schema, editWith(values), { guarded: false });
    const expected = await contents();

    await createRows(columnType, values.length);
    const { updates } = await change(schema, editWith(values));
    expect(await contents()).toEqual(expected);
    expect(updates).toHaveLength(1);
    expect(updates.some(isOwn)).toBe(false);
  });
});

describe('a flush', () => {
  const schema = schemaOf({ type: 'text' });

  it('writes to each row what was changed of it', async () => {
    await createRows('text', 4);
    const { updates } = await change(schema, ([first, second, third]) => {
      Object.assign(first ?? {}, { value: 'a' });
      Object.assign(second ?? {}, { other: null });
      Object.assign(third ?? {}, { value: 'c', other: 'new' });
    });
    expect(updates.map(isOwn)).toEqual([true]);
    expect(await contents()).toEqual([
      { id: 1, value: 'a', other: 'old' },
      { id: 2, value: null, other: null },
      { id: 3, value: 'c', other: 'new' },
      { id: 4, value: null, other: 'old' },
    ]);
  });

  it('is one after which nothing is left to write', async () => {
    await createRows('text', 2);
    const statements: string[] = [];
    const orm = await MikroORM.init({
      clientUrl: database.url,
      entities: [schema],
      debug: ['query'],
      colors: false,
      logger: (line) => statements.push(line),
    });
    try {
      const em = orm.em.fork();
      const snapshot = await currentSnapshot();
      const guard = new WriteGuard(em, { guard: { snapshot, columns: null }, journal: null });
      const rows = await em.find(schema, {}, { orderBy: { id: 'asc' } });
      guard.watch(rows);
      editWith(['a', 'b'])(rows);
      await guard.flush();
      await em.flush();
      expect(statements.filter((line) => /\bupdate "/.test(line)).map(isOwn)).toEqual([true]);
      expect(rows.map((row) => em.getUnitOfWork().getOriginalEntityData(row))).toEqual([
        { id: 1, value: 'a', other: 'old' },
        { id: 2, value: 'b', other: 'old' },
      ]);
    } finally {
      await orm.close();
    }
  });

  it('leaves out the rows that others have written, and writes the others', async () => {
    await createRows('text', 4);
    const { leftOut, updates } = await change(schema, editWith(['a', 'b', 'c', 'd']), {
      disturb: () => database.query(`UPDATE rows SET other = 'theirs' WHERE id = 2`),
    });
    expect(leftOut).toEqual([2]);
    // The first has found that a row has changed.
    expect(updates.map(isOwn)).toEqual([true, true]);
    expect((await contents()).map(({ value, other }) => [value, other])).toEqual([
      ['a', 'old'],
      [null, 'theirs'],
      ['c', 'old'],
      ['d', 'old'],
    ]);
  });

  it('writes rows that others have written as they were', async () => {
    await createRows('text', 2);
    const { leftOut, updates } = await change(schema, editWith(['a', 'b']), {
      disturb: () => database.query('UPDATE rows SET other = other WHERE id = 2'),
    });
    expect(leftOut).toEqual([]);
    expect(updates.map(isOwn)).toEqual([true, false]);
    expect((await contents()).map(({ value }) => value)).toEqual(['a', 'b']);
  });

  it.each([
    ['varchar(1)', 'text', { type: 'text' }, 'b', 'long'],
    ['numeric(6,2)', 'numeric(8,4)', { type: 'decimal', mode: 'string' }, '1.25', '1.2345'],
    ['real', 'float8', { type: 'double' }, 0.5, 0.1],
    ['timestamp', 'timestamptz', { type: 'datetime' }, new Date(0), new Date(1)],
    ['int', 'bigint', { type: 'bigint' }, 1n, 9007199254740993n],
  ])('writes %s after a migration has made it %s', async (before, after, property, first, second) => {
    const changing = schemaOf(property);
    await createRows(before, 1);
    const orm = await MikroORM.init({ clientUrl: database.url, entities: [changing] });
    const write = async (value: unknown) => {
      const em = orm.em.fork();
      const guard = new WriteGuard(em, {
        guard: { snapshot: await currentSnapshot(), columns: null },
        journal: null,
      });
      const rows = await em.find(changing, {});
      guard.watch(rows);
      editWith([value])(rows);
      await guard.flush();
    };
    try {
      await write(first);
      await database.query(`ALTER TABLE rows ALTER COLUMN value TYPE ${after}`);
      await write(second);
      const [row] = await orm.em.fork().find(changing, {});
      expect(row?.value).toEqual(second);
    } finally {
      await orm.close();
    }
  });

  it.each([
    ['is too long', 'varchar(3)', ['long', 'long']],
    ['is refused by a constraint', `text CHECK (value <> 'bad')`, ['bad', 'bad']],
    ['is there already', 'text UNIQUE', ['same', 'same']],
    ['holds a NUL character', 'text', ['\0', '\0']],
  ])('whose value %s fails as that of MikroORM', async (_, columnType, values) => {
    const errorOf = async (guarded: boolean) => {
      await createRows(columnType, 2);
      const error: unknown = await change(schema, editWith(values), { guarded }).catch((e: unknown) => e);
      expect((await contents()).map(({ value }) => value)).toEqual([null, null]);
      return error as Error;
    };
    const [expected, error] = [await errorOf(false), await errorOf(true)];
    expect(error).toBeInstanceOf(Error);
    expect([error.constructor, error.message]).toEqual([expected.constructor, expected.message]);
  });

  it.each([EventType.beforeUpdate, EventType.afterUpdate])(
    'calls listeners for %s of the rows that it writes, and of no others',
    async (event) => {
      await createRows('text', 3);
      const seen: unknown[] = [];
      const subscriber: EventSubscriber<Row> = {
        [event]: ({ entity }: { entity: Row }) => seen.push(entity.id),
      };
      const { leftOut } = await change(schema, editWith(['a', 'b', 'c']), {
        subscribers: [subscriber as EventSubscriber],
        disturb: () => database.query(`UPDATE rows SET other = 'theirs' WHERE id = 2`),
      });
      expect(leftOut).toEqual([2]);
      expect(seen).toEqual([1, 3]);
    },
  );

  it.each([
    ['written', null, [], ['a', 'b'], [3]],
    // Nothing tells which row the other change belongs to: all are handled again.
    ['not written', 2, 'Others wrote', [null, null], []],
  ])(
    'to which a listener of the app adds a row is %s as a whole',
    async (_, disturbed, expected, values, added) => {
      await createRows('text', 2);
      const late: EventSubscriber<Row> = {
        onFlush: ({ uow, em }) => {
          const row = em.create(schema, { id: 3, value: 'added', other: null });
          uow.computeChangeSet(row);
          return Promise.resolve();
        },
      };
      const outcome: unknown = await change(schema, editWith(['a', 'b']), {
        late: late as EventSubscriber,
        disturb: () => database.query(`UPDATE rows SET other = 'theirs' WHERE id = ${disturbed}`),
      }).then(
        ({ leftOut }) => leftOut,
        (error: unknown) => String(error),
      );
      expect(outcome).toEqual(typeof expected === 'string' ? expect.stringContaining(expected) : expected);
      const found = await contents();
      expect(found.flatMap(({ id, value }) => (id === 3 ? [] : [value]))).toEqual(values);
      expect(found.flatMap(({ id }) => (id === 3 ? [3] : []))).toEqual(added);
    },
  );

  it.each(['before', 'after'])('is guarded where a listener changes rows again, %s the guard', async (at) => {
    await createRows('text', 2);
    const listener: EventSubscriber<Row> = {
      onFlush: ({ uow }) => {
        for (const { entity } of uow.getChangeSets()) {
          (entity as Row).other = 'audited';
          uow.recomputeSingleChangeSet(entity);
        }
        return Promise.resolve();
      },
    };
    const { leftOut } = await change(schema, editWith(['a', 'b']), {
      ...(at === 'before'
        ? { subscribers: [listener as EventSubscriber] }
        : { late: listener as EventSubscriber }),
      disturb: () => database.query(`UPDATE rows SET other = 'theirs' WHERE id = 2`),
    });
    expect(leftOut).toEqual([2]);
    expect((await contents()).map(({ value, other }) => [value, other])).toEqual([
      ['a', 'audited'],
      [null, 'theirs'],
    ]);
  });

  it('is not fooled by a table of the same name in another schema', async () => {
    await createRows('text', 2);
    await database.query('DROP SCHEMA IF EXISTS tenant CASCADE; CREATE SCHEMA tenant');
    await database.query('CREATE TABLE tenant.rows (LIKE rows INCLUDING ALL)');
    await database.query('INSERT INTO tenant.rows SELECT * FROM rows');
    const { leftOut } = await change(schema, editWith(['a', 'b']), {
      config: { schema: 'tenant' },
      disturb: () => database.query(`UPDATE tenant.rows SET other = 'theirs' WHERE id = 2`),
    });
    expect(leftOut).toEqual([2]);
    expect(await database.query('SELECT value, other FROM tenant.rows ORDER BY id')).toEqual([
      { value: 'a', other: 'old' },
      { value: null, other: 'theirs' },
    ]);
    expect((await contents()).map(({ value }) => value)).toEqual([null, null]);
  });
});
