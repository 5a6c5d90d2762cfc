import { EntitySchema, TimeType } from '@mikro-orm/core';
import { keyset } from '../../../../lib/sources/keyset/keyset.js';
import { openTables, type TableFixture } from '../open-tables.js';
import { loadAll, planAll } from '../plan-source.js';

class Slot {
  id!: number;
  opens!: string;
  digits!: string;
}

const slotSchema = new EntitySchema<Slot>({
  class: Slot,
  tableName: 'slots',
  properties: {
    id: { type: 'integer', primary: true },
    opens: { type: new TimeType() },
    digits: { type: 'text' },
  },
});

let fixture: TableFixture;

beforeEach(async () => {
  fixture = await openTables(
    `CREATE TABLE slots (id int PRIMARY KEY, opens time NOT NULL, digits text NOT NULL);
     INSERT INTO slots SELECT n, '10:00'::time + n * interval '1 minute', n FROM generate_series(1, 9) n`,
    [slotSchema],
  );
});
afterEach(async () => {
  await fixture.orm.close(true);
});

describe('values that the type of a sort key does not accept', () => {
  it('are refused at the start', async () => {
    await fixture.database.query(`UPDATE slots SET opens = '10:30:00.5' WHERE id = 9`);
    await expect(
      keyset(Slot, { orderBy: { opens: 'asc' } }).open(fixture.context(), {}),
    ).rejects.toMatchObject({
      code: 'BACKFILL_SOURCE_KEY',
      problem: {
        field: 'opens',
        received: '"10:30:00.5"',
        expected: 'values that its type TimeType accepts',
      },
    });
  });

  it('are refused while planning', async () => {
    await fixture.database.query(`UPDATE slots SET opens = '10:05:00.5' WHERE id = 5`);
    const source = keyset(Slot, { orderBy: { opens: 'asc' } });
    await expect(planAll(fixture, source, { batchSize: 1 })).rejects.toMatchObject({
      code: 'BACKFILL_SOURCE_KEY',
    });
  });

  it('do not matter between the bounds of a range', async () => {
    await fixture.database.query(`UPDATE slots SET opens = '10:05:00.5' WHERE id = 5`);
    const source = keyset(Slot, { orderBy: { opens: 'asc' } });
    const loaded = await loadAll(fixture, source, await planAll(fixture, source, { batchSize: 9 }));
    expect(loaded.flat()).toHaveLength(9);
  });
});

describe('an integer column that the entity maps as text', () => {
  it('identifies rows that are loaded again', async () => {
    const keyed = new EntitySchema<Slot>({
      name: 'keyed_slots',
      tableName: 'slots',
      properties: {
        digits: { type: 'text', primary: true },
        id: { type: 'integer' },
        opens: { type: 'text' },
      },
    });
    const other = await openTables(
      `CREATE TABLE slots (digits int PRIMARY KEY, id int NOT NULL, opens text NOT NULL);
       INSERT INTO slots SELECT n, n, n FROM generate_series(1, 9) n`,
      [keyed],
    );
    try {
      const source = keyset(keyed, { orderBy: { digits: 'asc' } });
      const planned = await planAll(other, source, { batchSize: 4 });
      const loaded = (await loadAll(other, source, planned)).flat();
      const keys = loaded.slice(2, 4).map((row) => source.keyOf?.(row) ?? null);
      const again = (await source.loadKeys?.(other.context(), keys, '')) ?? [];
      expect(again.map(({ id }) => id)).toEqual([3, 4]);
    } finally {
      await other.orm.close(true);
    }
  });
});
