import { DecimalType, EntitySchema, MikroORM } from '@mikro-orm/postgresql';
import { keyset, type KeysetOptions } from '../../../../lib/sources/keyset/keyset.js';
import { openTables, type TableFixture } from '../open-tables.js';

class Visit {
  id!: number;
  page!: string;
  amount!: string;
  at!: Date;
  naive!: Date;
  day!: string;
  seen!: string;
}

const visitSchema = new EntitySchema<Visit>({
  class: Visit,
  tableName: 'visits',
  properties: {
    id: { type: 'integer', primary: true },
    page: { type: 'text' },
    amount: { type: new DecimalType('string'), columnType: 'numeric' },
    at: { type: 'datetime', columnType: 'timestamptz(6)' },
    naive: { type: 'datetime', columnType: 'timestamp(6)' },
    day: { type: 'date' },
    seen: { type: 'string', columnType: 'timestamptz', runtimeType: 'string' },
  },
});

type Bounds = { from?: object; to?: object };

let fixture: TableFixture;

beforeAll(async () => {
  fixture = await openTables(
    `CREATE TABLE visits (id int PRIMARY KEY, page text NOT NULL, amount numeric NOT NULL, at timestamptz NOT NULL,
       naive timestamp NOT NULL, day date NOT NULL, seen timestamptz NOT NULL);
     INSERT INTO visits
       SELECT n, 'page ' || chr(96 + n), n, '2020-07-01T00:00:00Z'::timestamptz + n * interval '1 hour',
              '2020-07-01T00:00:00'::timestamp + n * interval '1 hour', '2020-07-01'::date + n,
              '2020-07-01T00:00:00Z'::timestamptz + n * interval '1 hour'
         FROM generate_series(1, 20) n`,
    [visitSchema],
  );
  // What a text without an offset must not depend on.
  await fixture.database.query(`ALTER DATABASE ${fixture.database.name} SET timezone TO 'Asia/Tokyo'`);
  await fixture.orm.close(true);
  await fixture.orm.connect();
});
afterAll(async () => {
  await fixture.orm.close(true);
});

const rowsOf = async (orderBy: KeysetOptions<Visit>['orderBy'], bounds: Bounds, orm = fixture.orm) => {
  const source = keyset(Visit, { orderBy });
  return (await source.open({ em: orm.em.fork(), backfill: 'update-visits' }, bounds)).total.rows;
};

describe('from after to', () => {
  it.each<[string, KeysetOptions<Visit>['orderBy'], object, object]>([
    ['a number', { id: 'asc' }, { id: 15 }, { id: 5 }],
    ['a number, descending', { id: 'desc' }, { id: 5 }, { id: 15 }],
    ['numbers beyond the rows', { id: 'asc' }, { id: 900 }, { id: 500 }],
    ['a text', { page: 'asc' }, { page: 'page q' }, { page: 'page c' }],
    ['texts of rows with none in between', { page: 'asc' }, { page: 'page d' }, { page: 'page c' }],
    ['a decimal', { amount: 'asc' }, { amount: '10' }, { amount: '9' }],
    ['a time', { at: 'desc' }, { at: '2020-07-01T03:00:00Z' }, { at: '2020-07-01T08:00:00Z' }],
    [
      'microseconds',
      { at: 'asc' },
      { at: '2020-07-01T03:00:00.000002Z' },
      { at: '2020-07-01T03:00:00.000001Z' },
    ],
    [
      'a later sort key',
      { day: 'asc', id: 'desc' },
      { day: '2020-07-05', id: 3 },
      { day: '2020-07-05', id: 4 },
    ],
    ['a prefix of the other', { page: 'desc', id: 'asc' }, { page: 'page c' }, { page: 'page q', id: 1 }],
  ])('is refused: %s', async (_, orderBy, from, to) => {
    await expect(rowsOf(orderBy, { from, to })).rejects.toMatchObject({
      code: 'BACKFILL_SOURCE_BOUNDS',
      problem: { field: 'from, to', remedy: expect.stringContaining('Swap them') },
    });
  });

  it.each<[string, KeysetOptions<Visit>['orderBy'], object, object, number]>([
    ['equal', { page: 'asc' }, { page: 'page c' }, { page: 'page c' }, 1],
    ['in order, with no rows in between', { page: 'asc' }, { page: 'page cc' }, { page: 'page cd' }, 0],
    ['a prefix of the other', { page: 'asc', id: 'asc' }, { page: 'page c', id: 9 }, { page: 'page c' }, 0],
    ['in order, descending', { amount: 'desc' }, { amount: '10' }, { amount: '9' }, 2],
  ])('is not: bounds that are %s', async (_, orderBy, from, to, rows) => {
    expect(await rowsOf(orderBy, { from, to })).toBe(rows);
  });
});

describe('times in from and to', () => {
  it.each([
    ['2020-07-01T08:00:00Z'],
    ['2020-07-01T13:30:00+05:30'],
    ['2020-07-01T08:00:00'],
    ['2020-07-01 08:00:00'],
    ['2020-07-01T08:00:00.000000'],
    [new Date('2020-07-01T08:00:00Z')],
  ])('of a timestamptz column are in UTC without an offset, whatever the session says: %s', async (at) => {
    expect(await rowsOf({ at: 'asc' }, { from: { at } })).toBe(13);
    const exact = typeof at === 'string' ? at : at.toISOString();
    expect(await rowsOf({ seen: 'asc' }, { from: { seen: exact } })).toBe(13);
  });

  it('of a timestamptz column may be a day', async () => {
    expect(await rowsOf({ at: 'asc' }, { to: { at: '2020-07-01' } })).toBe(0);
    expect(await rowsOf({ at: 'asc' }, { from: { at: '2020-07-01' } })).toBe(20);
  });

  it.each([{ forceUtcTimezone: true }, { timezone: '+02:00' }, { forceUtcTimezone: false }])(
    'of a timestamp column have their offset, in the time zone in which MikroORM reads the column (%j)',
    async (options) => {
      const url = fixture.database.url;
      const orm = await MikroORM.init({ entities: [visitSchema], clientUrl: url, ...options });
      try {
        const { naive } = await orm.em.fork().findOneOrFail(Visit, { id: 8 });
        const inIndia = new Date(naive.getTime() + 5.5 * 3_600_000).toISOString().replace('Z', '+05:30');
        for (const given of [naive, naive.toISOString(), inIndia]) {
          expect(await rowsOf({ naive: 'asc' }, { from: { naive: given } }, orm)).toBe(13);
        }
        // The column's own text.
        expect(await rowsOf({ naive: 'asc' }, { from: { naive: '2020-07-01T08:00:00' } }, orm)).toBe(13);
        const later = naive.toISOString().replace('.000Z', '.000001Z');
        expect(await rowsOf({ naive: 'asc' }, { from: { naive: later } }, orm)).toBe(12);
      } finally {
        await orm.close(true);
      }
    },
  );

  it.each([
    ['a day that does not exist', { at: 'asc' }, { at: '2020-02-31' }, 'from.at'],
    ['a time for a column of days', { day: 'asc' }, { day: '2020-07-02T23:00:00-05:00' }, 'from.day'],
  ] as const)('are refused: %s', async (_, orderBy, from, field) => {
    await expect(rowsOf(orderBy, { from })).rejects.toMatchObject({
      code: 'BACKFILL_SOURCE_BOUNDS',
      problem: { field },
    });
  });
});

describe('values that the database cannot read', () => {
  it.each<[string, KeysetOptions<Visit>['orderBy'], object]>([
    ['a NUL character', { page: 'asc' }, { page: 'page \u0000' }],
    ['a text for a decimal', { amount: 'asc' }, { amount: 'ten' }],
    ['a day beyond the calendar of the database', { day: 'asc' }, { day: '9999999-01-01' }],
    ['a time beyond the calendar of the database', { at: 'asc' }, { at: '-200000-01-01T00:00:00Z' }],
  ])('are refused: %s', async (_, orderBy, bound) => {
    for (const bounds of [{ from: bound }, { to: bound }]) {
      await expect(rowsOf(orderBy, bounds)).rejects.toMatchObject({ code: 'BACKFILL_SOURCE_BOUNDS' });
    }
  });
});
