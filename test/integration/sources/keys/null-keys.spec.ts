import { EntitySchema } from '@mikro-orm/core';
import { idRange } from '../../../../lib/sources/id-range/id-range.js';
import { keyset, type KeysetOptions } from '../../../../lib/sources/keyset/keyset.js';
import { openTables, type TableFixture } from '../open-tables.js';
import { loadAll, planAll } from '../plan-source.js';

class Row {
  id!: number;
  name!: string;
  rank!: number;
  shard!: string;
}

/** Declares no column as nullable; in the table, all but the primary key are. */
const rowSchema = new EntitySchema<Row>({
  class: Row,
  tableName: 'rows',
  properties: {
    id: { type: 'integer', primary: true },
    name: { type: 'text' },
    rank: { type: 'integer' },
    shard: { type: 'text' },
  },
});

let fixture: TableFixture;

beforeAll(async () => {
  fixture = await openTables('CREATE TABLE rows (id int PRIMARY KEY, name text, rank int, shard text)', [
    rowSchema,
  ]);
});
afterAll(async () => {
  await fixture.orm.close(true);
});

async function fill(rows: ReadonlyArray<Partial<Record<keyof Row, unknown>>>): Promise<void> {
  await fixture.database.query('TRUNCATE rows');
  await fixture.database.query(
    'INSERT INTO rows SELECT id, name, rank, shard FROM json_populate_recordset(null::rows, $1)',
    [JSON.stringify(rows)],
  );
}

describe('a column that is null in a row although the entity declares it as not null', () => {
  it.each<[string, KeysetOptions<Row>['orderBy'], string]>([
    ['the first sort key', { name: 'asc' }, 'name'],
    ['the first sort key, descending', { name: 'desc' }, 'name'],
    ['a later sort key', { shard: 'asc', name: 'desc', id: 'asc' }, 'name'],
    ['an integer', { rank: 'asc' }, 'rank'],
  ])('is refused as %s', async (_, orderBy, field) => {
    await fill([
      { id: 1, name: 'a', rank: 1, shard: 's' },
      { id: 2, name: field === 'name' ? null : 'b', rank: field === 'rank' ? null : 2, shard: 's' },
      { id: 3, name: 'z', rank: 3, shard: 's' },
    ]);
    const source = keyset(Row, { orderBy });
    await expect(source.open(fixture.context(), {})).rejects.toMatchObject({
      code: 'BACKFILL_SOURCE_KEY',
      problem: { field, received: 'rows in which it is null' },
      message: expect.stringContaining(`exclude them: where: { ${field}: { $ne: null } }`),
    });
  });

  it('is refused as the key of idRange', async () => {
    await fill([
      { id: 1, rank: 1 },
      { id: 2, rank: null },
    ]);
    await expect(idRange(Row, { key: 'rank' }).open(fixture.context(), {})).rejects.toMatchObject({
      code: 'BACKFILL_SOURCE_KEY',
      problem: { field: 'rank' },
    });
  });

  it('is refused in any of the partitions', async () => {
    await fill([
      { id: 1, name: 'a', shard: 'eu' },
      { id: 2, name: null, shard: 'us' },
    ]);
    const source = keyset(Row, {
      orderBy: { name: 'asc' },
      partitions: { eu: { shard: 'eu' }, us: { shard: 'us' } },
    });
    await expect(source.open(fixture.context(), {})).rejects.toMatchObject({ code: 'BACKFILL_SOURCE_KEY' });
  });

  it('does not matter where the filter of the source excludes the row', async () => {
    await fill([
      { id: 1, name: 'a', shard: 'eu' },
      { id: 2, name: null, shard: 'us' },
      { id: 3, name: 'z', shard: 'eu' },
    ]);
    for (const where of [{ name: { $ne: null } }, { shard: 'eu' }]) {
      const source = keyset(Row, { orderBy: { name: 'asc' }, where });
      const loaded = await loadAll(fixture, source, await planAll(fixture, source, { batchSize: 1 }));
      expect(loaded.flat().map(({ id }) => id)).toEqual([1, 3]);
    }
  });

  it('is refused while planning if it becomes null during a run', async () => {
    await fill([1, 2, 3, 4].map((id) => ({ id, shard: `s${id}`, name: 'a' })));
    const source = keyset(Row, { orderBy: { shard: 'asc', name: 'asc' } });
    const planned = planAll(fixture, source, {
      batchSize: 1,
      limit: 1,
      onCycle: async () => void (await fixture.database.query('UPDATE rows SET name = NULL WHERE id = 3')),
    });
    await expect(planned).rejects.toMatchObject({
      code: 'BACKFILL_SOURCE_KEY',
      problem: { field: 'name', received: 'rows in which it is null' },
    });
  });
});
