import fc from 'fast-check';
import { keyset, type KeysetOptions } from '../../../../lib/sources/keyset/keyset.js';
import { KeysetOrder } from '../../../../lib/sources/keyset/keyset-order.js';
import { KeysetSource } from '../../../../lib/sources/keyset/keyset.source.js';
import { portableKeyReader } from '../../../../lib/sources/keys/portable-key.reader.js';
import { SourceScope } from '../../../../lib/sources/source-scope.js';
import { openShop, type Shop } from '../source-fixture.js';
import { loadAll, walk } from '../plan-source.js';
import { Shelf, type ShelfRow } from '../item.entity.js';

/** A busy machine takes its time over a few thousand statements. */
const SLOW_MS = 180_000;
let shop: Shop;

beforeAll(async () => {
  shop = await openShop();
});
afterAll(async () => {
  await shop.orm.close(true);
});

/** Property, and the column that PostgreSQL is asked to order by. */
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
  'place.city': 'place_city',
  writer: 'keeper_id',
} as const;
type Column = keyof typeof COLUMNS;

const micro = fc
  .integer({ min: 0, max: 40 })
  .map((n) => `2020-11-11T02:04:11.8912${String(n).padStart(2, '0')}Z`);
const row: fc.Arbitrary<ShelfRow> = fc.record({
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
  keeper_id: fc.integer({ min: 0, max: 2 }),
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
    name === 'place.city' ? { place: { city: direction } } : { [name]: direction },
  );
}

async function expectedIds(
  columns: ReadonlyArray<{ name: Column; direction: 'asc' | 'desc' }>,
  where: string,
) {
  const unique = columns.some(({ name }) => name === 'id' || name === 'uuid');
  const tie = unique ? [] : [`id ${columns.at(-1)?.direction}`];
  const list = [...columns.map(({ name, direction }) => `${COLUMNS[name]} ${direction}`), ...tie].join(', ');
  const found = await shop.database.query<{ id: string }>(
    `SELECT id FROM "stock room".shelves WHERE ${where} ORDER BY ${list}`,
  );
  return found.map(({ id }) => BigInt(id));
}

describe.each(['postgresql', 'portable'] as const)('keyset over random rows (%s)', (driver) => {
  const exact = driver === 'postgresql';
  const sourceOf = (options: KeysetOptions<Shelf>) => {
    const scope = SourceScope.of(Shelf, options, 'keyset');
    return exact
      ? keyset(Shelf, options)
      : new KeysetSource<Shelf>(scope, new KeysetOrder(scope, options.orderBy), () => portableKeyReader);
  };
  const columns = (Object.keys(COLUMNS) as Column[]).filter(
    (name) => exact || (name !== 'at' && name !== 'naive'),
  );
  const wheres = [
    { where: {}, sql: 'true' },
    { where: { flag: false }, sql: 'NOT flag' },
    { where: { writer: { name: 'keeper 1' } }, sql: 'keeper_id % 2 = 1' },
    {
      where: { writer: { shelves: { flag: true } } },
      sql: 'keeper_id IN (SELECT keeper_id FROM "stock room".shelves WHERE flag)',
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
          async (shelves, by, { where, sql }, batchSize, limit) => {
            await shop.stock(shelves);
            const source = sourceOf({ orderBy: orderBy(by), where });
            const ids = await expectedIds(by, sql);

            const walked = await walk(shop, source, { batchSize, limit });
            const loaded = await loadAll(shop, source, walked);

            expect(loaded.flat().map(({ id }) => id)).toEqual(ids);
            expect(walked.opening.total).toEqual({ rows: ids.length, exact: true });
            expect(walked.ranges.map(({ rows }) => rows)).toEqual(loaded.map((batch) => batch.length));
            expect(walked.ranges).toHaveLength(Math.ceil(ids.length / batchSize));
            expect(walked.ranges.slice(0, -1).every(({ rows }) => rows === batchSize)).toBe(true);
          },
        ),
        { numRuns: 60 },
      );
    },
    SLOW_MS,
  );

  it(
    'halves a range without losing a row',
    async () => {
      await fc.assert(
        fc.asyncProperty(
          rows,
          order(columns),
          fc.integer({ min: 1, max: 9 }),
          async (shelves, by, batchSize) => {
            await shop.stock(shelves);
            const source = sourceOf({ orderBy: orderBy(by) });
            const walked = await walk(shop, source, { batchSize });
            for (const { data, rows } of walked.ranges) {
              const halves = (await source.split?.(shop.context(), data, '')) ?? [];
              expect(halves.map((half) => half.rows)).toEqual(
                rows < 2 ? [] : [Math.ceil(rows / 2), Math.floor(rows / 2)],
              );
              const ids = [];
              for (const half of halves)
                ids.push(...((await source.load?.(shop.context(), half.data, '')) ?? []));
              const whole = (await source.load?.(shop.context(), data, '')) ?? [];
              expect(ids.map(({ id }) => id)).toEqual(rows < 2 ? [] : whole.map(({ id }) => id));
            }
          },
        ),
        { numRuns: 15 },
      );
    },
    SLOW_MS,
  );
});
