import { randomBytes } from 'node:crypto';
import { DecimalType, EntitySchema, MikroORM } from '@mikro-orm/core';
import { MariaDbDriver } from '@mikro-orm/mariadb';
import { keyset } from 'nestjs-backfill';
import { startMariadb, type MariadbServer } from '../../support/services/mariadb.js';
import { loadAll, planAll } from '../../integration/sources/plan-source.js';
import type { DriverDatabase } from '../../integration/drivers/driver-bench.js';
import { driverSuite } from '../../integration/drivers/driver.suite.js';
import { Entry } from '../../integration/drivers/entities.js';
import { outageSuite } from '../../integration/drivers/outage.suite.js';

let server: MariadbServer | undefined;

/** `MARIADB_URL` if it is set, otherwise a server of this file, which the outage test may kill. */
async function serverUrl(): Promise<string> {
  const { MARIADB_URL } = process.env;
  if (MARIADB_URL) return MARIADB_URL;
  server = await startMariadb();
  return server.url;
}

async function open(): Promise<DriverDatabase> {
  const options = {
    driver: MariaDbDriver,
    clientUrl: await serverUrl(),
    dbName: `backfill_test_${randomBytes(4).toString('hex')}`,
    discovery: { warnWhenNoEntities: false },
  };
  return {
    options,
    close: async () => {
      const orm = await MikroORM.init({ ...options, entities: [] });
      await orm.schema.dropDatabase(options.dbName);
      await orm.close(true);
      await server?.stop();
    },
  };
}

const bench = driverSuite({
  name: 'mariadb',
  wideIntegers: true,
  transactions: true,
  locksRows: true,
  tellsIndex: false,
  timeDigits: 6,
  open,
});
const at = new Date('2020-01-01T00:00:00.123Z');
const base = { at, shard: 'eu', hidden: false, state: 'new', touches: 0 };

/** Rows whose timestamps differ in microseconds only. */
async function fillMicroseconds(count: number): Promise<void> {
  await bench.fill(
    Entry,
    Array.from({ length: count }, (_, id) => ({ ...base, id, code: `c${id}` })),
  );
  await execute('update entries set at = at + interval id microsecond');
}

async function execute<T>(sql: string): Promise<T> {
  return bench.orm.em.getConnection().execute<T>(sql);
}

describe('timestamps on mariadb', () => {
  it.each(['asc', 'desc'] as const)('keep their microseconds, %s', async (direction) => {
    await fillMicroseconds(50);
    const source = keyset(Entry, { orderBy: { at: direction } });
    const planned = await planAll(bench, source, { batchSize: 7, limit: 2 });
    const loaded = await loadAll(bench, source, planned);
    const ids = Array.from({ length: 50 }, (_, id) => id);
    expect(loaded.flat().map(({ id }) => id)).toEqual(direction === 'asc' ? ids : ids.toReversed());
    expect(loaded.map((batch) => batch.length)).toEqual([7, 7, 7, 7, 7, 7, 7, 1]);
    expect(planned.ranges[0]?.range.first).toMatchObject({ at });
  });

  it.each(['Z', '+02:00', '-05:00'])('are read in the configured time zone (%s)', async (timezone) => {
    const entities = [...bench.orm.config.get('entities')];
    const options = { ...bench.orm.config.getAll(), entities, timezone };
    const orm = await MikroORM.init(options as Parameters<typeof MikroORM.init>[0]);
    try {
      await fillMicroseconds(0);
      const times = Array.from({ length: 9 }, (_, id) => new Date(at.getTime() + id));
      await orm.em.fork().insertMany(
        Entry,
        times.map((time, id) => ({ ...base, id, code: `${id}`, at: time })),
      );
      const fixture = { context: () => ({ em: orm.em.fork(), backfill: 'update-entries' }) };
      const source = keyset(Entry, { orderBy: { at: 'asc' } });
      for (const from of ['2020-01-01T00:00:00.127Z', '2020-01-01T05:30:00.127+05:30', times[4]]) {
        const planned = await planAll(fixture, source, { batchSize: 4, from: { at: from } });
        const loaded = (await loadAll(fixture, source, planned)).flat();
        expect(loaded.map(({ id }) => id)).toEqual([4, 5, 6, 7, 8]);
        expect(planned.ranges[0]?.range.first).toMatchObject({ at: times[4] });
      }
      const exact = await planAll(fixture, source, {
        batchSize: 4,
        from: { at: '2020-01-01T00:00:00.127001Z' },
      });
      expect((await loadAll(fixture, source, exact)).flat().map(({ id }) => id)).toEqual([5, 6, 7, 8]);
    } finally {
      await orm.close(true);
    }
  });
});

describe('text columns on mariadb', () => {
  it.each(['utf8mb4_general_ci', 'utf8mb4_unicode_520_nopad_ci', 'utf8mb4_bin', 'latin1_swedish_ci'])(
    'with values that are equal in %s are read once each',
    async (collation) => {
      const texts = ['a', 'A', 'á', 'Á', 'a ', ' a', 'ß', 'ss', 'SS', 'b', 'B', ''];
      await bench.fill(
        Entry,
        Array.from({ length: 60 }, (_, id) => ({ ...base, id, code: `c${id}`, shard: texts[id % 12] ?? '' })),
      );
      const charset = collation.slice(0, collation.indexOf('_'));
      await execute(
        `alter table entries modify shard varchar(255) character set ${charset} collate ${collation}`,
      );
      for (const orderBy of [
        { shard: 'asc', id: 'desc' },
        { shard: 'desc', at: 'asc', id: 'asc' },
      ] as const) {
        const source = keyset(Entry, { orderBy });
        for (const batchSize of [1, 7]) {
          const planned = await planAll(bench, source, { batchSize, limit: 3 });
          const loaded = (await loadAll(bench, source, planned)).flat();
          const expected = await bench.orm.em.fork().find(Entry, {}, { orderBy });
          expect(loaded.map(({ id }) => id)).toEqual(expected.map(({ id }) => id));
          expect(loaded).toHaveLength(60);
        }
      }
    },
  );

  it.each([
    ['enum', { enum: true, items: ['small', 'medium', 'large'], type: 'string' }, "enum\\('small'"],
    ['float', { type: new DecimalType('string'), columnType: 'float' }, 'float, whose text MySQL rounds'],
  ] as const)(
    'of type %s are refused, because they sort by more than their text',
    async (_, size, received) => {
      class Job {
        id!: number;
        size!: string;
      }
      const schema = new EntitySchema<Job>({
        class: Job,
        properties: { id: { type: 'integer', primary: true }, size: size as { type: 'string' } },
      });
      const options = { ...bench.orm.config.getAll(), entities: [schema] };
      const orm = await MikroORM.init(options as Parameters<typeof MikroORM.init>[0]);
      try {
        const context = { em: orm.em.fork(), backfill: 'update-entries' };
        expect(() => keyset(Job, { orderBy: { size: 'asc' } }).prepare?.(context)).toThrow(
          new RegExp(
            `\\(orderBy\\.size\\): expected a column with one sort order, got a column of type ${received}`,
          ),
        );
      } finally {
        await orm.close(true);
      }
    },
  );
});

describe('an outage of mariadb', () => outageSuite(bench, () => server, !process.env['MARIADB_URL']));
