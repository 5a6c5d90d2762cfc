import { EntitySchema } from '@mikro-orm/core';
import { keyset } from '../../../../lib/sources/keyset/keyset.js';
import { openTables, type TableFixture } from '../open-tables.js';
import { loadAll, planAll } from '../plan-source.js';

interface Host {
  id: number;
  plain: string;
  named: string;
  typed: string;
}

const COLUMN_TYPES = ['citext', 'inet', 'cidr', 'macaddr', 'money', 'varbit'] as const;
const SAMPLES: Record<(typeof COLUMN_TYPES)[number], string> = {
  citext: `(ARRAY['a', 'A', 'b', 'B', 'á'])[n % 5 + 1]`,
  inet: `('10.0.0.' || n % 7 || CASE n % 2 WHEN 0 THEN '/24' ELSE '' END)::inet`,
  cidr: `('10.0.' || n % 7 || '.0/24')::cidr`,
  macaddr: `('08:00:2b:01:02:0' || n % 7)::macaddr`,
  money: `(n % 7 - 3)::text::money`,
  varbit: `(n % 7)::bit(5)::varbit`,
};

const schemas = COLUMN_TYPES.map(
  (columnType) =>
    new EntitySchema<Host>({
      name: `${columnType}_hosts`,
      properties: {
        id: { type: 'integer', primary: true },
        plain: { type: 'string', columnType },
        named: { type: columnType },
        typed: { type: 'string', columnType, runtimeType: 'string' },
      },
    }),
);

let fixture: TableFixture;

beforeAll(async () => {
  const tables = COLUMN_TYPES.map(
    (type) =>
      `CREATE TABLE ${type}_hosts (id int PRIMARY KEY, plain ${type} NOT NULL, named ${type} NOT NULL, typed ${type} NOT NULL);
       INSERT INTO ${type}_hosts SELECT n, value, value, value FROM generate_series(1, 40) n, LATERAL (SELECT ${SAMPLES[type]} AS value) sample;`,
  );
  fixture = await openTables(`CREATE EXTENSION citext; ${tables.join('\n')}`, schemas);
});
afterAll(async () => {
  await fixture.orm.close(true);
});

describe.each(COLUMN_TYPES.map((type, i) => [type, schemas[i] as EntitySchema<Host>] as const))(
  'a column of type %s, which MikroORM does not know',
  (type, schema) => {
    it.each(['plain', 'named'] as const)('is refused with the option that makes it known (%s)', (name) => {
      expect(() => keyset(schema, { orderBy: { [name]: 'asc' } }).prepare?.(fixture.context())).toThrow(
        new RegExp(
          `\\(orderBy\\.${name}\\): expected a column that can be compared, got a column of ${type} whose type in ` +
            `JavaScript MikroORM does not know\\. If it is a string, say so: \\{ columnType: '${type}', runtimeType: 'string' \\}`,
        ),
      );
    });

    it.each(['asc', 'desc'] as const)('is read in order with it, %s', async (direction) => {
      const orderBy = [{ typed: direction }, { id: 'asc' as const }];
      const source = keyset(schema, { orderBy });
      const planned = await planAll(fixture, source, { batchSize: 3 });
      const loaded = await loadAll(fixture, source, planned);
      const rows = await fixture.database.query<{ id: number }>(
        `SELECT id FROM ${type}_hosts ORDER BY typed ${direction}, id`,
      );
      expect(loaded.flat().map(({ id }) => id)).toEqual(rows.map(({ id }) => id));
      expect(planned.ranges.map((range) => range.rows)).toEqual([...Array<number>(13).fill(3), 1]);
    });
  },
);
