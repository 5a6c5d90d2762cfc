import { type FilterQuery, raw } from '@mikro-orm/core';
import type { JsonValue } from '../../../../lib/sources/backfill-source.js';
import { keyset } from '../../../../lib/sources/keyset/keyset.js';
import { openShop, type Shop } from '../source-fixture.js';
import { loadAll, walk } from '../plan-source.js';
import { Pair, Shelf, type ShelfRow } from '../item.entity.js';

let shop: Shop;

beforeAll(async () => {
  shop = await openShop();
});
afterAll(async () => {
  await shop.orm.close(true);
});

const newestFirst = { at: 'desc', id: 'desc' } as const;
const minutes = (count: number, more: (i: number) => Partial<ShelfRow> = () => ({})): ShelfRow[] =>
  Array.from({ length: count }, (_, i) =>
    Object.assign({ id: BigInt(i + 1), at: new Date(Date.UTC(2020, 0, 1, 0, i)) }, more(i)),
  );
const idsOf = (rows: ReadonlyArray<{ id: bigint }>) => rows.map(({ id }) => Number(id));
const upTo = (count: number) => Array.from({ length: count }, (_, i) => i + 1);

describe('keyset', () => {
  it('plans exactly as many ranges as rows need, however sparse the keys are', async () => {
    await shop.stock(upTo(1000).map((i) => ({ id: BigInt(i * 10_000) - BigInt(i % 7) })));
    const source = keyset(Shelf, { orderBy: { id: 'asc' } });

    const walked = await walk(shop, source, { batchSize: 100, limit: 100 });

    expect(walked.ranges.map(({ rows }) => rows)).toEqual(Array(10).fill(100));
    expect(walked.cycles).toBe(1);
  });

  it('gives the handler first and last in the types of the entity, and a filter for exactly the rows', async () => {
    await shop.stock(minutes(7));
    const source = keyset(Shelf, { orderBy: newestFirst });

    const { ranges } = await walk(shop, source, { batchSize: 3 });

    expect(ranges.map(({ range: { first, last, index } }) => ({ first, last, index }))).toEqual([
      {
        index: 0,
        first: { at: new Date('2020-01-01T00:06Z'), id: 7n },
        last: { at: new Date('2020-01-01T00:04Z'), id: 5n },
      },
      {
        index: 1,
        first: { at: new Date('2020-01-01T00:03Z'), id: 4n },
        last: { at: new Date('2020-01-01T00:01Z'), id: 2n },
      },
      {
        index: 2,
        first: { at: new Date('2020-01-01T00:00Z'), id: 1n },
        last: { at: new Date('2020-01-01T00:00Z'), id: 1n },
      },
    ]);
    const { em } = shop.context();
    const [range] = ranges;
    const where: FilterQuery<Shelf> = range?.range.where ?? {};
    expect(await em.count(Shelf, where)).toBe(3);
    expect(idsOf(await em.find(Shelf, where, { orderBy: { id: 'asc' } }))).toEqual([5, 6, 7]);
    expect(await em.nativeUpdate(Shelf, where, { code: 'seen' })).toBe(3);
  });

  it.each([
    ['asc', [3, 4, 5]],
    ['desc', [3, 2, 1]],
  ] as const)('restarts from a time on, %s', async (direction, expected) => {
    const times = ['2020-11-10T00:00Z', '2020-11-11T02:04:11.890Z', '2020-11-11T02:04:11.891Z'];
    const later = ['2020-11-11T02:04:11.892Z', '2020-11-12T00:00Z'];
    await shop.stock([...times, ...later].map((at, i) => ({ id: BigInt(i + 1), at })));
    const source = keyset(Shelf, { orderBy: { at: direction } });
    const walked = await walk(shop, source, { batchSize: 2, from: { at: '2020-11-11T02:04:11.891Z' } });
    expect(idsOf((await loadAll(shop, source, walked)).flat())).toEqual(expected);
  });

  it('neither loses nor doubles rows that differ in microseconds only', async () => {
    const times = upTo(50).map((i) => `2020-11-11T02:04:11.8910${String(i).padStart(2, '0')}Z`);
    await shop.stock(times.map((at, i) => ({ id: BigInt(i), at })));
    for (const direction of ['asc', 'desc'] as const) {
      const source = keyset(Shelf, { orderBy: { at: direction } });
      const walked = await walk(shop, source, { batchSize: 7 });
      const ids = idsOf((await loadAll(shop, source, walked)).flat());
      expect(ids).toEqual(direction === 'asc' ? times.map((_, i) => i) : times.map((_, i) => 49 - i));
      expect(walked.ranges.map(({ rows }) => rows)).toEqual([7, 7, 7, 7, 7, 7, 7, 1]);
      expect(walked.ranges[0]?.range.first).toMatchObject({ at: new Date('2020-11-11T02:04:11.891Z') });
    }
  });

  it('keeps exact times when sessions show them in different time zones', async () => {
    await shop.stock(upTo(20).map((i) => ({ id: BigInt(i), at: `2020-11-11T02:04:11.89100${i % 3}Z` })));
    const source = keyset(Shelf, { orderBy: { at: 'asc', id: 'desc' } });
    const opening = await source.open(shop.context(), {});
    const ids: number[] = [];
    let cursor = null as Awaited<ReturnType<typeof source.plan>>['cursor'];
    for (let cycle = 0, exhausted = false; !exhausted; cycle++) {
      const context = shop.context();
      await context.em.begin();
      const zone = cycle % 2 === 0 ? 'Asia/Kolkata' : 'America/New_York';
      await shop.orm.em
        .getConnection()
        .execute(`set local time zone '${zone}'`, [], 'run', context.em.getTransactionContext());
      const bounds = opening.partitions[0]?.bounds ?? null;
      const plan = await source.plan(context, { partition: '', bounds, cursor, batchSize: 3, limit: 1 });
      for (const { data } of plan.ranges) ids.push(...idsOf((await source.load?.(context, data, '')) ?? []));
      await context.em.rollback();
      ({ cursor, exhausted } = plan);
    }
    expect(ids).toHaveLength(20);
    expect(new Set(ids)).toEqual(new Set(upTo(20)));
  });

  it('shifts nothing when rows stop matching while they are worked on', async () => {
    await shop.stock(minutes(95, () => ({ number: 1 })));
    const source = keyset(Shelf, { orderBy: newestFirst, where: { number: 1 } });
    const seen: number[] = [];
    let done = 0;

    const work = async (data: JsonValue) => {
      const ids = idsOf((await source.load?.(shop.context(), data, '')) ?? []);
      seen.push(...ids);
      await shop.database.query('UPDATE "stock room".shelves SET "the number" = 2 WHERE id = ANY($1)', [ids]);
      done++;
    };

    const { ranges } = await walk(shop, source, {
      batchSize: 10,
      limit: 2,
      // Works on what was planned so far, but always leaves the latest range for later.
      onCycle: async (_, planned) => {
        for (const data of planned.slice(done, -1)) await work(data);
      },
    });
    for (const { data } of ranges.slice(done)) await work(data);

    expect(seen).toEqual(upTo(95).toReversed());
    expect(await source.load?.(shop.context(), ranges[0]?.data ?? null, '')).toEqual([]);
  });

  it('leaves out rows that are inserted beyond the bounds, and takes in those that are not planned yet', async () => {
    await shop.stock(minutes(30));
    const source = keyset(Shelf, { orderBy: { id: 'asc' } });
    const walked = await walk(shop, source, {
      batchSize: 10,
      limit: 1,
      onCycle: async (cycle) => {
        if (cycle > 0) return;
        await shop.database.query(
          `INSERT INTO "stock room".shelves SELECT (x).* FROM "stock room".shelves s,
             LATERAL json_populate_record(s, json_build_object('id', s.id + 1000, 'uuid', gen_random_uuid())) x WHERE s.id < 6`,
        );
        await shop.database.query('UPDATE "stock room".shelves SET id = 0 WHERE id = 1001');
        await shop.database.query('DELETE FROM "stock room".shelves WHERE id = 29');
      },
    });

    const ids = idsOf((await loadAll(shop, source, walked)).flat());
    expect(ids).toEqual(upTo(30).filter((id) => id !== 29));
    expect(walked.ranges).toHaveLength(3);
  });

  it('walks every partition with bounds of its own', async () => {
    await shop.stock(upTo(40).map((i) => ({ id: BigInt(i), number: i % 3, flag: i > 30 })));
    const source = keyset(Shelf, {
      orderBy: { id: 'desc' },
      where: { flag: false },
      partitions: { zero: { number: 0 }, one: { number: 1 }, none: { number: 7 } },
    });

    const walked = await walk(shop, source, { batchSize: 4 });

    const loaded = await loadAll(shop, source, walked);
    const of = (name: string) => loaded.filter((_, i) => walked.ranges[i]?.range.partition === name).flat();
    expect(idsOf(of('zero'))).toEqual([30, 27, 24, 21, 18, 15, 12, 9, 6, 3]);
    expect(idsOf(of('one'))).toEqual([28, 25, 22, 19, 16, 13, 10, 7, 4, 1]);
    expect(walked.opening.partitions.map(({ name, bounds }) => [name, bounds])).toEqual([
      ['zero', [[{ i: '30' }], [{ i: '3' }], 10, 'id desc']],
      ['one', [[{ i: '28' }], [{ i: '1' }], 10, 'id desc']],
      ['none', null],
    ]);
    expect(walked.opening.total).toEqual({ rows: 20, exact: true });
    const request = { bounds: null, cursor: null, batchSize: 4, limit: 1 };
    await expect(source.plan(shop.context(), { ...request, partition: 'one' })).resolves.toMatchObject({
      exhausted: true,
    });
    const [zero] = walked.opening.partitions;
    await expect(
      source.plan(shop.context(), { ...request, bounds: zero?.bounds ?? null, partition: 'gone' }),
    ).rejects.toThrow(
      /backfill "tidy-shelves" cannot walk Shelf \(partitions\): expected one of "zero", "one", "none", got "gone"/,
    );
    expect(() => source.toRange?.([[1], [2]], 0, 'gone')).toThrow(/expected one of "zero"/);
  });

  it('starts and ends where it is told, both inclusive, by all keys or the first few', async () => {
    await shop.stock(minutes(60, (i) => ({ at: new Date(Date.UTC(2020, 0, 1, 0, Math.floor(i / 10))) })));
    const source = keyset(Shelf, { orderBy: newestFirst });
    const ids = async (request: { from?: unknown; to?: unknown }) => {
      const walked = await walk(shop, source, { batchSize: 7, ...request });
      return idsOf((await loadAll(shop, source, walked)).flat());
    };
    const all = upTo(60).toReversed();

    expect(await ids({ from: { at: '2020-01-01T00:03:00Z' } })).toEqual(all.slice(20));
    expect(await ids({ to: { at: '2020-01-01T00:03:00Z' } })).toEqual(all.slice(0, 30));
    expect(
      await ids({
        from: { at: new Date('2020-01-01T00:03:00Z'), id: '35' },
        to: { at: '2020-01-01T00:02:00.000Z', id: 25 },
      }),
    ).toEqual(all.slice(25, 36));
    expect(await ids({ from: { at: '2020-01-01T00:02:59.999999Z' } })).toEqual(all.slice(30));
    expect(await ids({ from: { at: '2020-01-01T00:01Z' }, to: { at: '2020-01-01T00:04Z' } })).toEqual([]);
  });

  it.each([
    [{ from: 500 }, /\(from\): expected an object of keys, got 500/],
    [
      { from: { id: 5 } },
      /\(from.id\): expected the keys of the order, without a gap, got another key. Give all the keys of the order \(at, id\)/,
    ],
    [{ to: { at: 'yesterday' } }, /\(to.at\): expected a Date, or its ISO 8601 text, got "yesterday"/],
    [{ to: { at: '2020-01-01', id: 1.5 } }, /\(to.id\): expected a whole number, or its digits, got 1.5/],
    [{ from: {} }, /\(from\): expected at least the first key of the order, got none/],
  ])('refuses %j', async (request, message) => {
    const opening = keyset(Shelf, { orderBy: newestFirst }).open(shop.context(), request);
    await expect(opening).rejects.toMatchObject({
      code: 'BACKFILL_SOURCE_BOUNDS',
      message: expect.stringMatching(message),
    });
  });

  it('does not go on in another order than it began in', async () => {
    await shop.stock(minutes(10));
    const { partitions } = await keyset(Shelf, { orderBy: { at: 'asc' } }).open(shop.context(), {});
    const changed = keyset(Shelf, { orderBy: { at: 'desc' } }).plan(shop.context(), {
      partition: '',
      bounds: partitions[0]?.bounds ?? null,
      cursor: null,
      batchSize: 2,
      limit: 2,
    });
    await expect(changed).rejects.toMatchObject({
      code: 'BACKFILL_SOURCE_KEY',
      message: expect.stringContaining(
        'the order in which the run was started (at asc, id asc), got at desc, id desc',
      ),
    });
  });

  it('keeps keys of rows that lead back to them while they match', async () => {
    await shop.stock(minutes(6));
    const source = keyset(Shelf, { orderBy: newestFirst, where: { number: { $gt: 0 } } });
    const { ranges } = await walk(shop, source, { batchSize: 6 });
    const rows = (await source.load?.(shop.context(), ranges[0]?.data ?? null, '')) ?? [];
    const keys = rows.map((row) => source.keyOf?.(row) ?? null);
    expect(keys).toEqual(['6', '5', '4', '3', '2', '1']);

    await shop.database.query('DELETE FROM "stock room".shelves WHERE id = 5');
    await shop.database.query('UPDATE "stock room".shelves SET "the number" = 0 WHERE id = 4');

    expect(idsOf((await source.loadKeys?.(shop.context(), ['1', '4', '5', '6'], '')) ?? [])).toEqual([6, 1]);
  });

  it('does the same for composite keys', async () => {
    await shop.database.query(`INSERT INTO pairs SELECT g, 'r' || g % 2, '' FROM generate_series(1, 9) g`);
    const source = keyset(Pair, { orderBy: { right: 'desc' } });
    const walked = await walk(shop, source, { batchSize: 4 });
    const rows = (await loadAll(shop, source, walked)).flat();
    expect(rows.map(({ left }) => left)).toEqual([9, 7, 5, 3, 1, 8, 6, 4, 2]);
    expect(walked.ranges[0]?.range.first).toEqual({ right: 'r1', left: 9 });
    const keys = rows.slice(0, 3).map((row) => source.keyOf?.(row) ?? null);
    expect(keys).toEqual([
      [9, 'r1'],
      [7, 'r1'],
      [5, 'r1'],
    ]);
    const again = await source.loadKeys?.(shop.context(), [...keys, [1, 'r0']], '');
    expect(again?.map(({ left }) => left)).toEqual([9, 7, 5]);
  });

  it('leaves soft-deleted rows alone unless their filter is switched off', async () => {
    await shop.stock(minutes(10, (i) => ({ hidden: i % 2 === 1 })));
    const ids = async (filters?: false) => {
      const source = keyset(Shelf, { orderBy: { id: 'asc' }, ...(filters === undefined ? {} : { filters }) });
      const walked = await walk(shop, source, { batchSize: 2 });
      expect(walked.opening.total.rows).toBe(walked.ranges.reduce((sum, { rows }) => sum + rows, 0));
      return idsOf((await loadAll(shop, source, walked)).flat());
    };
    expect(await ids()).toEqual([1, 3, 5, 7, 9]);
    expect(await ids(false)).toEqual(upTo(10));
  });

  it('changes nothing of the filters that it is given', async () => {
    await shop.stock(minutes(4));
    const where = deepFreeze({ $and: [{ id: { $gt: 1n } }, { writer: { name: { $like: '%' } } }] });
    const source = keyset(Shelf, { orderBy: deepFreeze({ id: 'asc' }), where });
    const { ranges } = await walk(shop, source, { batchSize: 2 });
    const { em } = shop.context();
    expect(idsOf(await em.find(Shelf, ranges[0]?.range.where ?? {}))).toEqual([2, 3]);
    expect(await em.count(Shelf, ranges[0]?.range.where ?? {})).toBe(2);
  });

  it('takes raw SQL in its filter', async () => {
    await shop.stock(minutes(20));
    const source = keyset(Shelf, {
      orderBy: { id: 'asc' },
      where: () => ({
        [raw((alias) => `${alias}.id % ?`, [2])]: 1,
        at: { $lt: new Date('2020-01-01T00:15Z') },
      }),
    });
    const walked = await walk(shop, source, { batchSize: 3 });
    expect(idsOf((await loadAll(shop, source, walked)).flat())).toEqual([1, 3, 5, 7, 9, 11, 13, 15]);
  });

  it('describes a range for people', async () => {
    await shop.stock(minutes(3));
    const source = keyset(Shelf, { orderBy: { at: 'asc' } });
    const { ranges } = await walk(shop, source, { batchSize: 2 });
    expect(source.describe?.(ranges[0]?.data ?? null)).toEqual({
      first: { at: '2020-01-01 00:00:00+00', id: '1' },
      last: { at: '2020-01-01 00:01:00+00', id: '2' },
    });
  });

  it('lets a statement timeout through, so that the planner can tell it', async () => {
    await shop.stock(minutes(3));
    const source = keyset(Shelf, { orderBy: { id: 'asc' } });
    const { partitions } = await source.open(shop.context(), {});
    const context = shop.context();
    await shop.database.query('BEGIN');
    await shop.database.query('LOCK TABLE "stock room".shelves');
    try {
      const planning = context.em.transactional(async (em) => {
        await em
          .getConnection()
          .execute('set local statement_timeout = 50', [], 'run', em.getTransactionContext());
        return source.plan(
          { ...context, em },
          { partition: '', bounds: partitions[0]?.bounds ?? null, cursor: null, batchSize: 1, limit: 1 },
        );
      });
      await expect(planning).rejects.toMatchObject({ code: '57014' });
    } finally {
      await shop.database.query('ROLLBACK');
    }
  });

  it('stops waiting once nobody wants the answer', async () => {
    const source = keyset(Shelf, { orderBy: { id: 'asc' } });
    const stop = new AbortController();
    await shop.database.query('BEGIN');
    await shop.database.query('LOCK TABLE "stock room".shelves');
    const opening = source.open({ ...shop.context(), signal: stop.signal }, {});
    stop.abort(new Error('shutting down'));
    await expect(opening).rejects.toThrow('shutting down');
    await shop.database.query('ROLLBACK');
    await expect(source.open({ ...shop.context(), signal: stop.signal }, {})).rejects.toThrow(
      'shutting down',
    );
  });
});

function deepFreeze<T>(value: T): T {
  if (typeof value === 'object' && value !== null) Object.values(Object.freeze(value)).forEach(deepFreeze);
  return value;
}
