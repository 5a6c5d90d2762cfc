import fc from 'fast-check';
import { idRange } from '../../../../lib/sources/id-range/id-range.js';
import type { IdRange } from '../../../../lib/sources/ranges.js';
import { openSourceFixture, type SourceFixture } from '../source-fixture.js';
import { loadAll, type CompletePlan, planAll } from '../plan-source.js';
import { Parcel, Item, Ticket } from '../item.entity.js';

let fixture: SourceFixture;

beforeAll(async () => {
  fixture = await openSourceFixture();
});
afterAll(async () => {
  await fixture.orm.close(true);
});

const tickets = async (ids: readonly number[]) => {
  await fixture.database.query('TRUNCATE tickets');
  await fixture.database.query('INSERT INTO tickets (id) SELECT unnest($1::int[])', [ids]);
};
const upTo = (count: number) => Array.from({ length: count }, (_, i) => i + 1);
const spans = ({ ranges }: CompletePlan<IdRange<never>>) =>
  ranges.map(({ range }) => [range.begin, range.end]);

describe('idRange', () => {
  it.each([
    [
      22,
      [
        [18, 22],
        [13, 17],
        [8, 12],
        [3, 7],
        [1, 2],
      ],
    ],
    [
      21,
      [
        [17, 21],
        [12, 16],
        [7, 11],
        [2, 6],
        [1, 1],
      ],
    ],
    [
      20,
      [
        [16, 20],
        [11, 15],
        [6, 10],
        [1, 5],
      ],
    ],
  ])('plans 1 to %i from the largest id down', async (count, expected) => {
    await tickets(upTo(count));
    const planned = await planAll(fixture, idRange(Ticket), { batchSize: 5 });
    expect(spans(planned as never)).toEqual(expected);
    expect(planned.opening.total).toEqual({ rows: count, exact: true });
    expect(planned.ranges.map(({ rows }) => rows)).toEqual(
      expected.map(([low = 0, high = 0]) => high - low + 1),
    );
  });

  it('plans upwards with direction asc', async () => {
    await tickets(upTo(12));
    const planned = await planAll(fixture, idRange(Ticket, { direction: 'asc' }), { batchSize: 5 });
    expect(spans(planned as never)).toEqual([
      [1, 5],
      [6, 10],
      [11, 12],
    ]);
  });

  it('hands out every row once, in order, whatever the ids and the batch size', async () => {
    const id = fc.oneof(
      fc.integer({ min: -60, max: 60 }).map(BigInt),
      fc.bigInt({ min: 2n ** 53n, max: 2n ** 53n + 40n }),
    );
    await fc.assert(
      fc.asyncProperty(
        fc
          .uniqueArray(id, { maxLength: 30 })
          .map((ids) => (ids.some((at) => at > 100n) ? ids.filter((at) => at > 100n) : ids)),
        fc.integer({ min: 1, max: 40 }),
        fc.constantFrom('asc' as const, 'desc' as const),
        fc.integer({ min: 1, max: 5 }),
        async (ids, batchSize, direction, limit) => {
          await fixture.replaceRows(ids.map((at) => ({ id: at })));
          const source = idRange(Item, { direction });
          const planned = await planAll(fixture, source, { batchSize, limit });
          const loaded = await loadAll(fixture, source, planned);
          const ordered = ids.toSorted((a, b) => (a < b === (direction === 'asc') ? -1 : 1));
          expect(loaded.flat().map((row) => row.id)).toEqual(ordered);
          expect(planned.ranges.reduce((sum, { rows }) => sum + rows, 0)).toBe(ids.length);
          for (const { range } of planned.ranges) expect(range.begin <= range.end).toBe(true);
        },
      ),
      { numRuns: 40 },
    );
  });

  it('hands out ids in the type of the entity', async () => {
    await fixture.replaceRows([{ id: 2n ** 53n + 1n, digits: 2n ** 60n + 1n }]);
    await fixture.database.query('TRUNCATE parcels');
    await fixture.database.query('INSERT INTO parcels VALUES (9007199254740993)');
    await tickets([7]);
    const range = async (source: Parameters<typeof planAll>[1]) =>
      (await planAll(fixture, source, { batchSize: 5 })).ranges[0]?.range;

    expect(await range(idRange(Ticket) as never)).toMatchObject({
      begin: 7,
      end: 7,
      where: { id: { $gte: 7, $lte: 7 } },
    });
    expect(await range(idRange(Item) as never)).toMatchObject({
      begin: 2n ** 53n + 1n,
      end: 2n ** 53n + 1n,
    });
    expect(await range(idRange(Parcel) as never)).toMatchObject({
      begin: '9007199254740993',
      end: '9007199254740993',
    });
    expect(await range(idRange(Item, { key: 'digits' }) as never)).toMatchObject({
      begin: '1152921504606846977',
    });
  });

  it('infers the type of the ids', () => {
    const types = () => {
      const ticket: IdRange<Ticket, number> | undefined = idRange(Ticket).toRange?.([], 0, '');
      const item: IdRange<Item, bigint> | undefined = idRange(Item).toRange?.([], 0, '');
      const parcel: IdRange<Parcel, string> | undefined = idRange(Parcel).toRange?.([], 0, '');
      const digits: IdRange<Item, string> | undefined = idRange(Item, { key: 'digits' }).toRange?.([], 0, '');
      // @ts-expect-error not an integer property
      idRange(Item, { key: 'at' });
      return [ticket, item, parcel, digits];
    };
    expect(types).toThrow(TypeError);
  });

  it('refuses ids that a number cannot represent', async () => {
    await fixture.database.query('ALTER TABLE tickets ALTER id TYPE bigint');
    await fixture.database.query('INSERT INTO tickets (id) VALUES (9007199254740993)');
    await expect(idRange(Ticket).open(fixture.context(), {})).rejects.toMatchObject({
      code: 'BACKFILL_SOURCE_KEY',
      message: expect.stringMatching(/Ticket \(id\).* Map the property as a bigint or a string\.$/),
    });
    await fixture.database.query('DELETE FROM tickets');
    await fixture.database.query('ALTER TABLE tickets ALTER id TYPE int');
  });

  it('accepts any integer property, and keeps rows with the same value together', async () => {
    await fixture.replaceRows(upTo(20).map((i) => ({ id: BigInt(i), number: i % 4 })));
    const source = idRange(Item, { key: 'number', direction: 'asc', where: { id: { $lte: 18n } } });
    const planned = await planAll(fixture, source, { batchSize: 2 });
    expect(spans(planned as never)).toEqual([
      [0, 1],
      [2, 3],
    ]);
    expect(planned.ranges.map(({ rows }) => rows)).toEqual([9, 9]);
    const [first] = await loadAll(fixture, source, planned);
    expect(first?.map(({ id }) => Number(id))).toEqual([4, 8, 12, 16, 1, 5, 9, 13, 17]);
  });

  it('begins at from and ends at to, both inclusive, in its direction', async () => {
    await tickets(upTo(1000));
    const span = async (direction: 'asc' | 'desc', request: { from?: unknown; to?: unknown }) => {
      const { ranges, opening } = await planAll(fixture, idRange(Ticket, { direction }), {
        batchSize: 2000,
        ...request,
      });
      return [ranges[0]?.range.begin, ranges[0]?.range.end, opening.total.rows];
    };
    expect(await span('desc', { from: 500 })).toEqual([1, 500, 500]);
    expect(await span('desc', { from: '500', to: 400n })).toEqual([400, 500, 101]);
    expect(await span('asc', { from: { id: 500 } })).toEqual([500, 1000, 501]);
    expect(await span('asc', { from: -5, to: 3 })).toEqual([1, 3, 3]);
    expect(await span('asc', { from: 2000 })).toEqual([undefined, undefined, 0]);
  });

  it('takes bounds beyond the column as bounds without rows', async () => {
    const beyond = '9'.repeat(400);
    for (const request of [{ from: beyond }, { to: `-${beyond}` }, { from: beyond, to: `-${beyond}` }]) {
      const { total } = await idRange(Ticket).open(fixture.context(), request);
      expect(total.rows).toBe((await idRange(Ticket).open(fixture.context(), {})).total.rows);
    }
  });

  it.each([
    [
      { from: 'last week' },
      /\(from\): expected a whole number, a string of digits, or \{ id: … \}, got "last week"/,
    ],
    [{ from: 2 ** 53 }, /\(from\): .* Pass numbers above 2\^53 as a bigint or a string of digits/],
    [{ from: 1, to: 2 }, /expected from above to, in the source's order \(desc\), got from 1 to 2/],
  ])('refuses %j', async (request, message) => {
    const opening = idRange(Ticket).open(fixture.context(), request);
    await expect(opening).rejects.toMatchObject({
      code: 'BACKFILL_SOURCE_BOUNDS',
      message: expect.stringMatching(message),
    });
  });

  it('determines the bounds once, from the matching rows', async () => {
    await fixture.replaceRows(
      upTo(50).map((i) => ({ id: BigInt(i), flag: i > 10 && i <= 40 && i % 2 === 0 })),
    );
    const source = idRange(Item, { where: { flag: true } });
    const planned = await planAll(fixture, source, {
      batchSize: 10,
      limit: 1,
      onCycle: async () => {
        await fixture.database.query('UPDATE "other schema".items SET flag = true WHERE id IN (5, 45)');
      },
    });
    expect(spans(planned as never)).toEqual([
      [31n, 40n],
      [21n, 30n],
      [12n, 20n],
    ]);
    expect(planned.ranges.map(({ rows }) => rows)).toEqual([5, 5, 5]);
    expect((await loadAll(fixture, source, planned)).map((rows) => rows.length)).toEqual([5, 5, 5]);
  });

  it('plans each partition with bounds of its own', async () => {
    await fixture.replaceRows(upTo(30).map((i) => ({ id: BigInt(i), number: i <= 10 ? 1 : 2 })));
    const source = idRange(Item, {
      partitions: { one: { number: 1 }, two: { number: 2 }, none: { number: 3 } },
    });
    const planned = await planAll(fixture, source, { batchSize: 10 });
    expect(planned.ranges.map(({ range: { partition, begin, end } }) => [partition, begin, end])).toEqual([
      ['one', 1n, 10n],
      ['two', 21n, 30n],
      ['two', 11n, 20n],
    ]);
    expect(planned.opening.total.rows).toBe(30);
    expect(planned.ranges[0]?.range.where).toEqual({
      $and: [{ number: 1 }, { id: { $gte: 1n, $lte: 10n } }],
    });
  });

  it('splits a range down to single ids, in order', async () => {
    await tickets(upTo(16).filter((id) => id % 3 !== 0));
    const source = idRange(Ticket);
    const [{ data } = { data: null }] = (await planAll(fixture, source, { batchSize: 16 })).ranges;
    const leaves: unknown[] = [];
    const cut = async (part: typeof data): Promise<number> => {
      const halves = (await source.split?.(fixture.context(), part, '')) ?? [];
      if (halves.length < 2) {
        const rows = await source.load?.(fixture.context(), part, '');
        expect(halves).toEqual([{ data: part, rows: rows?.length }]);
        leaves.push(source.describe?.(part));
        return 1;
      }
      const depths = [];
      for (const half of halves) {
        expect(await source.load?.(fixture.context(), half.data, '')).toHaveLength(half.rows);
        depths.push(await cut(half.data));
      }
      return 1 + Math.max(...depths);
    };
    expect(await cut(data)).toBe(5);
    expect(leaves).toEqual(
      upTo(16)
        .toReversed()
        .map((id) => ({ begin: id, end: id })),
    );
  });

  it('loads rows by their keys while they match', async () => {
    await fixture.replaceRows(upTo(5).map((i) => ({ id: 2n ** 53n + BigInt(i) })));
    const source = idRange(Item, { where: { flag: false } });
    const planned = await planAll(fixture, source, { batchSize: 5 });
    const keys = (await loadAll(fixture, source, planned)).flat().map((row) => source.keyOf?.(row) ?? null);
    expect(keys[0]).toBe('9007199254740997');
    await fixture.database.query('UPDATE "other schema".items SET flag = true WHERE id = 9007199254740997');
    const rows = await source.loadKeys?.(fixture.context(), keys.slice(0, 3), '');
    expect(rows?.map(({ id }) => id)).toEqual([2n ** 53n + 4n, 2n ** 53n + 3n]);
  });

  it('plans nothing for an empty table', async () => {
    await tickets([]);
    const planned = await planAll(fixture, idRange(Ticket), { batchSize: 5 });
    expect(planned.opening).toEqual({
      partitions: [{ name: '', bounds: null }],
      total: { rows: 0, exact: true },
    });
    expect(planned.ranges).toEqual([]);
  });

  it('plans without queries', async () => {
    await tickets(upTo(100));
    const context = fixture.context();
    const { partitions } = await idRange(Ticket).open(context, {});
    await fixture.database.query('ALTER TABLE tickets RENAME TO gone');
    const plan = await idRange(Ticket).plan(context, {
      partition: '',
      bounds: partitions[0]?.bounds ?? null,
      cursor: null,
      batchSize: 10,
      limit: 5,
    });
    await fixture.database.query('ALTER TABLE gone RENAME TO tickets');
    expect(plan).toMatchObject({ cursor: '50', exhausted: false });
    expect(plan.ranges[0]).toEqual({ data: ['91', '100', 'id'], rows: 10 });
  });
});
