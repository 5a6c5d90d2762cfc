import fc from 'fast-check';
import { keyset, type KeysetOptions } from '../../../../lib/sources/keyset/keyset.js';
import { KeysetOrder } from '../../../../lib/sources/keyset/keyset-order.js';
import { KeysetSource } from '../../../../lib/sources/keyset/keyset.source.js';
import { portableKeyReader } from '../../../../lib/sources/keys/portable-key.reader.js';
import { SourceScope } from '../../../../lib/sources/source-scope.js';
import { sized } from '../../../support/thorough.js';
import { openSourceFixture, type SourceFixture } from '../source-fixture.js';
import { loadAll, planAll } from '../plan-source.js';
import { Item, type ItemRow } from '../item.entity.js';

/** Timeout for a few thousand statements on a busy machine. */
const SLOW_MS = 180_000;
let fixture: SourceFixture;

beforeAll(async () => {
  fixture = await openSourceFixture();
});
afterAll(async () => {
  await fixture.orm.close(true);
});

/** Properties with their columns, for ORDER BY in the expected result. */
const COLUMNS = {
  id: 'id',
  number: '"the number"',
  digits: 'digits',
  code: 'code',
  uuid: 'uuid',
  amount: 'amount',
  at: 'at',
  naive: 'naive',
  day: 'day',
  flag: 'flag',
  bytes: 'bytes',
  'address.city': 'address_city',
  owner: 'owner_id',
} as const;
type Column = keyof typeof COLUMNS;

const micro = fc
  .integer({ min: 0, max: 40 })
  .map((n) => `2020-11-11T02:04:11.8912${String(n).padStart(2, '0')}Z`);
const row: fc.Arbitrary<ItemRow> = fc.record({
  id: fc.oneof(fc.bigInt({ min: -50n, max: 50n }), fc.bigInt({ min: 2n ** 53n, max: 2n ** 53n + 60n })),
  number: fc.integer({ min: -2, max: 2 }),
  digits: fc.bigInt({ min: 2n ** 53n, max: 2n ** 53n + 3n }),
  code: fc.constantFrom('a', 'A', 'b', "quo'te", 'que?stion', 'back\\slash', 'ä', '', ' '),
  amount: fc.constantFrom('1', '1.0', '1.00', '2', '-1.5', '1e20'),
  at: micro,
  naive: micro,
  day: fc.constantFrom('2020-01-01', '2019-12-31'),
  flag: fc.boolean(),
  bytes: fc.constantFrom('\\x00', '\\xff00', '\\x'),
  city: fc.constantFrom('Ulm', 'Aalen'),
  owner_id: fc.integer({ min: 0, max: 2 }),
});
const rows = fc.uniqueArray(row, { selector: ({ id }) => id, maxLength: 60 });
const order = (columns: readonly Column[]) =>
  fc
    .uniqueArray(fc.constantFrom(...columns), { minLength: 1, maxLength: 4 })
    .chain((names) =>
      fc.tuple(
        ...names.map((name) =>
          fc.record({ name: fc.constant(name), direction: fc.constantFrom('asc' as const, 'desc' as const) }),
        ),
      ),
    );

function orderBy(columns: ReadonlyArray<{ name: Column; direction: 'asc' | 'desc' }>) {
  return columns.map(({ name, direction }) =>
    name === 'address.city' ? { address: { city: direction } } : { [name]: direction },
  );
}

async function expectedIds(
  columns: ReadonlyArray<{ name: Column; direction: 'asc' | 'desc' }>,
  where: string,
) {
  const unique = columns.some(({ name }) => name === 'id' || name === 'uuid');
  const tie = unique ? [] : [`id ${columns.at(-1)?.direction}`];
  const list = [...columns.map(({ name, direction }) => `${COLUMNS[name]} ${direction}`), ...tie].join(', ');
  const found = await fixture.database.query<{ id: string }>(
    `SELECT id FROM "other schema".items WHERE ${where} ORDER BY ${list}`,
  );
  return found.map(({ id }) => BigInt(id));
}

describe.each(['postgresql', 'portable'] as const)('keyset over random rows (%s)', (driver) => {
  const exact = driver === 'postgresql';
  const sourceOf = (options: KeysetOptions<Item>) => {
    const scope = SourceScope.of(Item, options, 'keyset');
    return exact
      ? keyset(Item, options)
      : new KeysetSource<Item>(scope, new KeysetOrder(scope, options.orderBy), () => portableKeyReader);
  };
  const columns = (Object.keys(COLUMNS) as Column[]).filter(
    (name) => exact || (name !== 'at' && name !== 'naive'),
  );
  const wheres = [
    { where: {}, sql: 'true' },
    { where: { flag: false }, sql: 'NOT flag' },
    { where: { owner: { name: 'owner 1' } }, sql: 'owner_id % 2 = 1' },
    {
      where: { owner: { items: { flag: true } } },
      sql: 'owner_id IN (SELECT owner_id FROM "other schema".items WHERE flag)',
    },
  ];

  it(
    'hands out every row once, in order, in full batches',
    async () => {
      await fc.assert(
        fc.asyncProperty(
          rows,
          order(columns),
          fc.constantFrom(...wheres),
          fc.integer({ min: 1, max: 25 }),
          fc.integer({ min: 1, max: 4 }),
          async (items, by, { where, sql }, batchSize, limit) => {
            await fixture.replaceRows(items);
            const source = sourceOf({ orderBy: orderBy(by), where });
            const ids = await expectedIds(by, sql);

            const planned = await planAll(fixture, source, { batchSize, limit });
            const loaded = await loadAll(fixture, source, planned);

            expect(loaded.flat().map(({ id }) => id)).toEqual(ids);
            expect(planned.opening.total).toEqual({ rows: ids.length, exact: true });
            expect(planned.ranges.map(({ rows }) => rows)).toEqual(loaded.map((batch) => batch.length));
            expect(planned.ranges).toHaveLength(Math.ceil(ids.length / batchSize));
            expect(planned.ranges.slice(0, -1).every(({ rows }) => rows === batchSize)).toBe(true);
          },
        ),
        { numRuns: sized(8, 60) },
      );
    },
    SLOW_MS,
  );

  it(
    'splits a range without losing a row',
    async () => {
      await fc.assert(
        fc.asyncProperty(
          rows,
          order(columns),
          fc.integer({ min: 1, max: 9 }),
          async (items, by, batchSize) => {
            await fixture.replaceRows(items);
            const source = sourceOf({ orderBy: orderBy(by) });
            const planned = await planAll(fixture, source, { batchSize });
            for (const { data, rows } of planned.ranges) {
              const halves = (await source.split?.(fixture.context(), data, '')) ?? [];
              expect(halves.map((half) => half.rows)).toEqual(
                rows < 2 ? [rows] : [Math.ceil(rows / 2), Math.floor(rows / 2)],
              );
              const ids = [];
              for (const half of halves)
                ids.push(...((await source.load?.(fixture.context(), half.data, '')) ?? []));
              const whole = (await source.load?.(fixture.context(), data, '')) ?? [];
              expect(ids.map(({ id }) => id)).toEqual(whole.map(({ id }) => id));
            }
          },
        ),
        { numRuns: sized(3, 15) },
      );
    },
    SLOW_MS,
  );
});
