import { BigIntType, EntitySchema, helper, Type } from '@mikro-orm/core';
import { MikroORM } from '@mikro-orm/postgresql';
import { Client } from 'pg';
import { DatabaseSnapshot } from '../../../lib/processing/guard/database-snapshot.js';
import { lockUnchanged } from '../../../lib/processing/guard/lock-unchanged.js';
import { createTestDatabase } from '../../support/databases/index.js';

/** A row, whose state is its number. */
interface Keyed {
  id: unknown;
  part?: unknown;
  state: number;
}

/** Text that the database keeps in upper case, and that its statements convert. */
class LoudType extends Type<string, string> {
  override convertToDatabaseValueSQL(key: string): string {
    return `upper(${key})`;
  }

  override convertToJSValueSQL(key: string): string {
    return `lower(${key})`;
  }

  override getColumnType(): string {
    return 'text';
  }
}

const uuid = (n: number) => `00000000-0000-4000-8000-00000000000${n}`;
const QUOTED = ['plain', `it's`, String.raw`back\slash "quoted"`, '{a,b}', 'null', '', 'what?', 'ü 漢'];

const LETTERS = ['a', 'b', 'c', 'd', 'e', 'f', 'g', 'h'];
/** Name, column type, property, keys. */
const KEYS: ReadonlyArray<readonly [string, string, object, readonly unknown[]]> = [
  ['integers', 'int', { type: 'integer' }, [1, 2, 3, 4, 5, 6, 7, -8]],
  [
    'bigints as text',
    'bigint',
    { type: 'bigint' },
    [1, 2, 3, 4, 5, 6, 7, 8].map((n) => `90071992547409${90 + n}`),
  ],
  [
    'bigints',
    'bigint',
    { type: new BigIntType('bigint') },
    [1, 2, 3, 4, 5, 6, 7, 8].map((n) => 9007199254740990n + BigInt(n)),
  ],
  ['UUIDs', 'uuid', { type: 'uuid' }, [1, 2, 3, 4, 5, 6, 7, 8].map(uuid)],
  ['text', 'text', { type: 'text' }, QUOTED],
  ['text of limited length', 'varchar(40)', { type: 'string', length: 40 }, QUOTED],
  [
    'text without a case',
    'citext',
    { type: 'text', columnType: 'citext' },
    ['A', 'b', 'C', 'd', 'E', 'f', 'G', 'h'],
  ],
  ['a domain', 'digits', { type: 'text' }, ['01', '2', '3', '4', '5', '6', '7', '8']],
  ['an enum', 'letter', { type: 'string', columnType: 'letter' }, LETTERS],
  ['numbers', 'numeric', { type: 'decimal', mode: 'string' }, ['1.50', '2', '3', '4', '5', '6', '7', '8']],
  ['text that a statement converts', 'text', { type: new LoudType() }, LETTERS],
];

const database = await createTestDatabase();
await database.query('CREATE EXTENSION citext');
await database.query(`CREATE DOMAIN digits AS text CHECK (value ~ '^[0-9]+$')`);
await database.query(`CREATE TYPE letter AS ENUM ('h', 'g', 'f', 'e', 'd', 'c', 'b', 'a')`);
const stranger = new Client({ connectionString: database.url });
await stranger.connect();

afterAll(() => stranger.end());

const TABLE = '"odd ""keyed"" rows"';

/** Adds rows with these keys and loads them; answers the states of those whose values the guard has to compare. */
async function suspectsAfter(
  schema: EntitySchema<Keyed>,
  keys: readonly object[],
  disturb: () => Promise<unknown>,
): Promise<number[]> {
  const orm = await MikroORM.init({ clientUrl: database.url, entities: [schema] });
  try {
    await orm.em.fork().insertMany(
      schema,
      keys.map((key, state) => ({ ...key, state })),
    );
    const em = orm.em.fork();
    // Of this database alone: transactions of other tests, on the same server, hold back a snapshot that is taken.
    const [current] = await database.query<{ xid: string }>('SELECT txid_current()::text AS xid');
    const snapshot = new DatabaseSnapshot(BigInt(current?.xid ?? ''));
    const rows = (await em.find(schema, {}, { orderBy: { state: 'asc' } })) as Keyed[];
    await disturb();
    return await em.transactional(async (tx) => {
      const { __meta: meta } = helper(rows[0] as object);
      const suspects = (await lockUnchanged(tx, meta, rows, snapshot)) as readonly Keyed[];
      return suspects.map(({ state }) => state);
    });
  } finally {
    await orm.close();
  }
}

describe.each(KEYS)('rows with %s as keys', (_, columnType, property, values) => {
  const schema = new EntitySchema<Keyed>({
    name: 'Keyed',
    tableName: 'odd "keyed" rows',
    properties: {
      id: { ...property, primary: true, autoincrement: false },
      state: { type: 'integer' },
    } as never,
  });
  const keys = values.map((id) => ({ id }));

  beforeEach(async () => {
    await database.query(`DROP TABLE IF EXISTS ${TABLE}`);
    await database.query(`CREATE TABLE ${TABLE} (id ${columnType} PRIMARY KEY, state int NOT NULL)`);
  });

  it('are not read again when nobody else wrote them', async () => {
    expect(await suspectsAfter(schema, keys, () => Promise.resolve())).toEqual([]);
  });

  it('are told from those that others have changed, deleted and locked', async () => {
    const suspects = await suspectsAfter(schema, keys, async () => {
      await database.query(`UPDATE ${TABLE} SET state = 100 WHERE state = 1`);
      await database.query(`DELETE FROM ${TABLE} WHERE state = 3`);
      await stranger.query(`BEGIN; SELECT * FROM ${TABLE} WHERE state = 5 FOR UPDATE`);
    });
    await stranger.query('ROLLBACK');
    expect(suspects).toEqual([1, 3, 5]);
  });

  it('are all compared when others have written all of them', async () => {
    const write = () => database.query(`UPDATE ${TABLE} SET state = state`);
    expect(await suspectsAfter(schema, keys, write)).toEqual(keys.map((_key, state) => state));
  });
});

describe('rows with times as keys', () => {
  it('are all compared: PostgreSQL knows more digits of a time than JavaScript', async () => {
    await database.query('CREATE TABLE times (id timestamptz PRIMARY KEY, state int NOT NULL)');
    const schema = new EntitySchema<Keyed>({
      name: 'Time',
      tableName: 'times',
      properties: { id: { type: 'datetime', primary: true }, state: { type: 'integer' } } as never,
    });
    const keys = [1, 2, 3].map((day) => ({ id: new Date(Date.UTC(2020, 0, day)) }));
    expect(await suspectsAfter(schema, keys, () => Promise.resolve())).toEqual([0, 1, 2]);
  });
});

describe('rows with keys of two columns', () => {
  it('are told from those that others have changed', async () => {
    await database.query(
      'CREATE TABLE pairs (id int, part text, state int NOT NULL, PRIMARY KEY (id, part))',
    );
    const schema = new EntitySchema<Keyed>({
      name: 'Pair',
      tableName: 'pairs',
      properties: {
        id: { type: 'integer', primary: true },
        part: { type: 'text', primary: true },
        state: { type: 'integer' },
      },
    });
    const keys = [1, 2].flatMap((id) => ['a', 'b'].map((part) => ({ id, part })));
    const write = () => database.query(`UPDATE pairs SET state = 100 WHERE id = 1 AND part = 'b'`);
    expect(await suspectsAfter(schema, keys, write)).toEqual([1]);
  });
});
