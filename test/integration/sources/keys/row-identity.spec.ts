import { BigIntType, DecimalType, EntitySchema, Type } from '@mikro-orm/core';
import { idRange } from '../../../../lib/sources/id-range/id-range.js';
import { keyset } from '../../../../lib/sources/keyset/keyset.js';
import { openTables, type TableFixture } from '../open-tables.js';
import { loadAll, planAll } from '../plan-source.js';

interface Keyed {
  id: unknown;
  slug: string;
  number: number;
  touches: number;
}

/** Loses the case of the letters. */
class LowerCased extends Type<string, string> {
  override convertToJSValue(value: string): string {
    return value.toLowerCase();
  }

  override getColumnType(): string {
    return 'text';
  }
}

/** Keeps all of the value. */
class Prefixed extends Type<string, string> {
  override convertToJSValue(value: string): string {
    return `id:${value}`;
  }

  override convertToDatabaseValue(value: string): string {
    return value.replace('id:', '');
  }

  override getColumnType(): string {
    return 'text';
  }
}

type Properties = NonNullable<ConstructorParameters<typeof EntitySchema<Keyed>>[0]['properties']>;

/** An entity with such a primary key, a unique text and a unique integer. */
function keyed(name: string, key: object): EntitySchema<Keyed> {
  return new EntitySchema<Keyed>({
    name,
    tableName: name,
    properties: {
      id: { ...key, primary: true, autoincrement: false },
      slug: { type: 'text', unique: true },
      number: { type: 'integer', unique: true },
      touches: { type: 'integer', default: 0 },
    } as Properties,
  });
}

const times = keyed('times', { type: 'datetime', columnType: 'timestamptz(6)' });
const entities = {
  times,
  decimals: keyed('decimals', { type: new DecimalType('number'), columnType: 'numeric' }),
  reals: keyed('reals', { type: 'float', columnType: 'real' }),
  intervals: keyed('intervals', { type: 'interval' }),
  documents: keyed('documents', { type: 'json' }),
  lists: keyed('lists', { type: 'string[]', array: true }),
  references: keyed('references', { kind: 'm:1', entity: () => times, fieldName: 'id' }),
  exact: keyed('exact', { type: new DecimalType('string'), columnType: 'numeric' }),
  doubles: keyed('doubles', { type: 'double' }),
  numbers: keyed('numbers', { type: new BigIntType('number') }),
  lowerCased: keyed('lower_cased', { type: LowerCased }),
  prefixed: keyed('prefixed', { type: Prefixed }),
};
const pairs = new EntitySchema<Keyed & { tenant: number; id: Date }>({
  name: 'pairs',
  properties: {
    tenant: { type: 'integer', primary: true },
    id: { type: 'datetime', primary: true },
    slug: { type: 'text', unique: true },
    number: { type: 'integer', unique: true },
    touches: { type: 'integer' },
  },
});

let fixture: TableFixture;

beforeAll(async () => {
  const table = (name: string, type: string) =>
    `CREATE TABLE "${name}" (id ${type} PRIMARY KEY, slug text NOT NULL UNIQUE, number int NOT NULL UNIQUE, touches int NOT NULL DEFAULT 0);`;
  fixture = await openTables(
    [
      table('times', 'timestamptz(6)'),
      table('exact', 'numeric'),
      table('doubles', 'double precision'),
      table('numbers', 'bigint'),
      table('lower_cased', 'text'),
      table('prefixed', 'text'),
    ].join('\n'),
    [...Object.values(entities), pairs],
  );
});
afterAll(async () => {
  await fixture.orm.close(true);
});

const sourcesOf = (entity: EntitySchema<Keyed>) => [
  keyset(entity, { orderBy: { slug: 'asc' } }),
  idRange(entity, { key: 'number' }),
];

describe('a primary key that JavaScript cannot hold', () => {
  it.each<[string, EntitySchema<Keyed>, string, RegExp]>([
    [
      'a time',
      entities.times,
      'id',
      /a Date \(timestamptz\(6\)\), .*MikroORM updates no row by it.*range handler/,
    ],
    ['a time in a composite key', pairs as never, 'id', /a Date/],
    ['a relation to an entity whose key is a time', entities.references, 'id', /a Date/],
    [
      'a decimal as a number',
      entities.decimals,
      'id',
      /a number in a column of numeric.*map a decimal as a string/,
    ],
    ['a float of single precision', entities.reals, 'id', /a number in a column of real/],
    ['an interval', entities.intervals, 'id', /an object/],
    ['JSON', entities.documents, 'id', /an object/],
    ['an array', entities.lists, 'id', /an object/],
  ])('is refused for batch and row handlers: %s', async (_, entity, field, message) => {
    for (const source of sourcesOf(entity)) {
      const prepare = async () => source.prepare?.(fixture.context(), { loadsRows: true });
      await expect(prepare()).rejects.toMatchObject({
        code: 'BACKFILL_SOURCE_INVALID',
        problem: { field },
        message: expect.stringMatching(message),
      });
      await source.prepare?.(fixture.context(), { loadsRows: false });
    }
  });

  it.each(['exact', 'doubles', 'numbers', 'lowerCased', 'prefixed'] as const)(
    'is not refused where it is exact, or where only the rows can show it (%s)',
    async (name) => {
      for (const source of sourcesOf(entities[name])) {
        await source.prepare?.(fixture.context(), { loadsRows: true });
      }
    },
  );

  it('does not matter to the ranges of a range handler', async () => {
    await fixture.database.query(
      `INSERT INTO times SELECT '2020-01-01T00:00:00Z'::timestamptz + n * interval '1 microsecond', n, n FROM generate_series(1, 10) n`,
    );
    const source = keyset(entities.times, { orderBy: { id: 'asc' } });
    const { ranges } = await planAll(fixture, source, { batchSize: 3 });
    const counts = [];
    for (const { range } of ranges) {
      counts.push(await fixture.orm.em.fork().nativeUpdate(entities.times, range.where, { touches: 1 }));
    }
    expect(counts).toEqual([3, 3, 3, 1]);
  });
});

describe('rows that are loaded by a key that is not exact', () => {
  const fill = async (table: string, ids: readonly string[]) => {
    await fixture.database.query(`TRUNCATE "${table}"`);
    await fixture.database.query(
      `INSERT INTO "${table}" (id, slug, number) SELECT id, 'row ' || n, n FROM json_array_elements_text($1) WITH ORDINALITY AS row (text, n), LATERAL (SELECT text::${table === 'numbers' ? 'bigint' : 'text'} AS id) key`,
      [JSON.stringify(ids)],
    );
  };
  const load = async (entity: EntitySchema<Keyed>) => {
    const source = keyset(entity, { orderBy: { slug: 'asc' } });
    return (await loadAll(fixture, source, await planAll(fixture, source, { batchSize: 10 }))).flat();
  };

  it('are refused if they are integers that a number rounds', async () => {
    await fill('numbers', ['1', '9007199254740993', '3']);
    await expect(load(entities.numbers)).rejects.toMatchObject({
      code: 'BACKFILL_SOURCE_KEY',
      problem: { field: 'id', remedy: 'Map the property as a bigint or a string.' },
    });
  });

  it('are refused at the start if the key is a later sort key', async () => {
    await fill('numbers', ['1', '9007199254740993', '3']);
    await fixture.database.query('UPDATE numbers SET touches = number');
    const source = keyset(entities.numbers, { orderBy: { touches: 'asc' } });
    await expect(source.open(fixture.context(), {})).rejects.toMatchObject({ code: 'BACKFILL_SOURCE_KEY' });
  });

  it('are refused if a custom type loses a part of the key', async () => {
    await fill('lower_cased', ['a', 'B', 'c']);
    await expect(load(entities.lowerCased)).rejects.toMatchObject({
      code: 'BACKFILL_SOURCE_KEY',
      problem: { field: 'id' },
      message: expect.stringContaining('expected a primary key that selects its own row'),
    });
    await fill('lower_cased', ['a', 'A']);
    await expect(load(entities.lowerCased)).rejects.toMatchObject({ code: 'BACKFILL_SOURCE_KEY' });
  });

  it('are loaded where the custom type keeps all of it', async () => {
    await fill('prefixed', ['a', 'B', 'c']);
    expect((await load(entities.prefixed)).map(({ id }) => id)).toEqual(['id:a', 'id:B', 'id:c']);
  });
});
