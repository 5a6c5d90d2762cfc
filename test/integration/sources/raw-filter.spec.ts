import { EntitySchema, raw, sql } from '@mikro-orm/core';
import type { BackfillSource } from '../../../lib/sources/backfill-source.js';
import { idRange } from '../../../lib/sources/id-range/id-range.js';
import { keyset } from '../../../lib/sources/keyset/keyset.js';
import type { SourceFilter } from '../../../lib/sources/source-options.js';
import { openTables, type TableFixture } from './open-tables.js';
import { loadAll, planAll } from './plan-source.js';

class Row {
  id!: number;
  size!: number;
}

const rowSchema = new EntitySchema<Row>({
  class: Row,
  tableName: 'rows',
  properties: { id: { type: 'integer', primary: true }, size: { type: 'integer' } },
});

let fixture: TableFixture;

beforeAll(async () => {
  fixture = await openTables(
    `CREATE TABLE rows (id int PRIMARY KEY, size int NOT NULL);
     INSERT INTO rows SELECT n, n % 10 FROM generate_series(1, 100) n`,
    [rowSchema],
  );
});
afterAll(async () => {
  await fixture.orm.close(true);
});

const FILTERS: Array<[string, SourceFilter<Row>]> = [
  ['as a key', { [raw('size < 3')]: [] }],
  ['as a key with an operand', { [raw('size + 0')]: { $lt: 3 } }],
  ['as a key with parameters', { [raw('size < ?', [3])]: [] }],
  ['from a function', () => ({ [raw('size < 3')]: [] })],
  ['as the filter itself', raw('size < 3') as SourceFilter<Row>],
  ['as a template', () => sql`size < ${3}` as never],
  ['inside $and', { $and: [{ [raw('size < 3')]: [] }] }],
  ['inside $or', { $or: [{ [raw('size < 2')]: [] }, { size: 2 }] }],
  ['inside $not', { $not: { [raw('size >= 3')]: [] } }],
  ['beside a property', { [raw('size < 3')]: [], id: { $gt: 0 } }],
];

const expected = Array.from({ length: 100 }, (_, i) => i + 1).filter((id) => id % 10 < 3);

describe.each(FILTERS)('a raw condition %s', (_, filter) => {
  const sources: Array<[string, BackfillSource<never, Row>]> = [
    ['keyset', keyset(Row, { orderBy: { id: 'asc' }, where: filter }) as never],
    ['idRange', idRange(Row, { direction: 'asc', where: filter }) as never],
    ['partitions', keyset(Row, { orderBy: { id: 'asc' }, partitions: { small: filter } }) as never],
  ];

  it.each(sources)('selects the rows that are planned and loaded (%s)', async (kind, source) => {
    const planned = await planAll(fixture, source, { batchSize: 7 });
    const ids = (await loadAll(fixture, source, planned)).flat().map(({ id }) => id);
    expect(ids).toEqual(expected);
    expect(planned.opening.total).toEqual({ rows: expected.length, exact: true });
    if (kind !== 'idRange') expect(planned.ranges.map(({ rows }) => rows)).toEqual([7, 7, 7, 7, 2]);
    if (kind !== 'partitions') expect(await source.countLeft?.(fixture.context())).toBe(expected.length);
    let counted = 0;
    for (const { range } of planned.ranges) {
      counted += await fixture.orm.em.fork().count(Row, (range as { where: object }).where);
    }
    expect(counted).toBe(expected.length);
  });
});
