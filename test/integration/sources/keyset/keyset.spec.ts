import { type FilterQuery, raw } from '@mikro-orm/core';
import type { JsonValue } from '../../../../lib/sources/backfill-source.js';
import { keyset } from '../../../../lib/sources/keyset/keyset.js';
import { openSourceFixture, type SourceFixture } from '../source-fixture.js';
import { loadAll, planAll } from '../plan-source.js';
import { Pair, Item, type ItemRow } from '../item.entity.js';

let fixture: SourceFixture;

beforeAll(async () => {
  fixture = await openSourceFixture();
});
afterAll(async () => {
  await fixture.orm.close(true);
});

const newestFirst = { at: 'desc', id: 'desc' } as const;
const minutes = (count: number, more: (i: number) => Partial<ItemRow> = () => ({})): ItemRow[] =>
  Array.from({ length: count }, (_, i) =>
    Object.assign({ id: BigInt(i + 1), at: new Date(Date.UTC(2020, 0, 1, 0, i)) }, more(i)),
  );
const idsOf = (rows: ReadonlyArray<{ id: bigint }>) => rows.map(({ id }) => Number(id));
const upTo = (count: number) => Array.from({ length: count }, (_, i) => i + 1);

describe('keyset', () => {
  it('plans full ranges, however sparse the keys are', async () => {
    await fixture.replaceRows(upTo(1000).map((i) => ({ id: BigInt(i * 10_000) - BigInt(i % 7) })));
    const source = keyset(Item, { orderBy: { id: 'asc' } });

    const planned = await planAll(fixture, source, { batchSize: 100, limit: 100 });

    expect(planned.ranges.map(({ rows }) => rows)).toEqual(Array(10).fill(100));
    expect(planned.cycles).toBe(1);
  });

  it('hands out first and last in the types of the entity, and a filter for exactly the rows', async () => {
    await fixture.replaceRows(minutes(7));
    const source = keyset(Item, { orderBy: newestFirst });

    const { ranges } = await planAll(fixture, source, { batchSize: 3 });

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
    const { em } = fixture.context();
    const [range] = ranges;
    const where: FilterQuery<Item> = range?.range.where ?? {};
    expect(await em.count(Item, where)).toBe(3);
    expect(idsOf(await em.find(Item, where, { orderBy: { id: 'asc' } }))).toEqual([5, 6, 7]);
    expect(await em.nativeUpdate(Item, where, { code: 'seen' })).toBe(3);
  });

  it.each([
    ['asc', [3, 4, 5]],
    ['desc', [3, 2, 1]],
  ] as const)('begins at a timestamp, %s', async (direction, expected) => {
    const times = ['2020-11-10T00:00Z', '2020-11-11T02:04:11.890Z', '2020-11-11T02:04:11.891Z'];
    const later = ['2020-11-11T02:04:11.892Z', '2020-11-12T00:00Z'];
    await fixture.replaceRows([...times, ...later].map((at, i) => ({ id: BigInt(i + 1), at })));
    const source = keyset(Item, { orderBy: { at: direction } });
    const planned = await planAll(fixture, source, {
      batchSize: 2,
      from: { at: '2020-11-11T02:04:11.891Z' },
    });
    expect(idsOf((await loadAll(fixture, source, planned)).flat())).toEqual(expected);
  });

  it('reads rows that differ in microseconds only once each', async () => {
    const times = upTo(50).map((i) => `2020-11-11T02:04:11.8910${String(i).padStart(2, '0')}Z`);
    await fixture.replaceRows(times.map((at, i) => ({ id: BigInt(i), at })));
    for (const direction of ['asc', 'desc'] as const) {
      const source = keyset(Item, { orderBy: { at: direction } });
      const planned = await planAll(fixture, source, { batchSize: 7 });
      const ids = idsOf((await loadAll(fixture, source, planned)).flat());
      expect(ids).toEqual(direction === 'asc' ? times.map((_, i) => i) : times.map((_, i) => 49 - i));
      expect(planned.ranges.map(({ rows }) => rows)).toEqual([7, 7, 7, 7, 7, 7, 7, 1]);
      expect(planned.ranges[0]?.range.first).toMatchObject({ at: new Date('2020-11-11T02:04:11.891Z') });
    }
  });

  it('compares timestamps exactly between sessions in different time zones', async () => {
    await fixture.replaceRows(
      upTo(20).map((i) => ({ id: BigInt(i), at: `2020-11-11T02:04:11.89100${i % 3}Z` })),
    );
    const source = keyset(Item, { orderBy: { at: 'asc', id: 'desc' } });
    const opening = await source.open(fixture.context(), {});
    const ids: number[] = [];
    let cursor = null as Awaited<ReturnType<typeof source.plan>>['cursor'];
    for (let cycle = 0, exhausted = false; !exhausted; cycle++) {
      const context = fixture.context();
      await context.em.begin();
      const zone = cycle % 2 === 0 ? 'Asia/Kolkata' : 'America/New_York';
      await fixture.orm.em
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

  it('is stable when processed rows stop matching', async () => {
    await fixture.replaceRows(minutes(95, () => ({ number: 1 })));
    const source = keyset(Item, { orderBy: newestFirst, where: { number: 1 } });
    const seen: number[] = [];
    let done = 0;

    const work = async (data: JsonValue) => {
      const ids = idsOf((await source.load?.(fixture.context(), data, '')) ?? []);
      seen.push(...ids);
      await fixture.database.query('UPDATE "other schema".items SET "the number" = 2 WHERE id = ANY($1)', [
        ids,
      ]);
      done++;
    };

    const { ranges } = await planAll(fixture, source, {
      batchSize: 10,
      limit: 2,
      // Processes the ranges planned so far, except the latest one.
      onCycle: async (_, planned) => {
        for (const data of planned.slice(done, -1)) await work(data);
      },
    });
    for (const { data } of ranges.slice(done)) await work(data);

    expect(seen).toEqual(upTo(95).toReversed());
    expect(await source.load?.(fixture.context(), ranges[0]?.data ?? null, '')).toEqual([]);
  });

  it('excludes rows inserted beyond the bounds, and includes rows inserted ahead of the cursor', async () => {
    await fixture.replaceRows(minutes(30));
    const source = keyset(Item, { orderBy: { id: 'asc' } });
    const planned = await planAll(fixture, source, {
      batchSize: 10,
      limit: 1,
      onCycle: async (cycle) => {
        if (cycle > 0) return;
        await fixture.database.query(
          `INSERT INTO "other schema".items SELECT (x).* FROM "other schema".items s,
             LATERAL json_populate_record(s, json_build_object('id', s.id + 1000, 'uuid', gen_random_uuid())) x WHERE s.id < 6`,
        );
        await fixture.database.query('UPDATE "other schema".items SET id = 0 WHERE id = 1001');
        await fixture.database.query('DELETE FROM "other schema".items WHERE id = 29');
      },
    });

    const ids = idsOf((await loadAll(fixture, source, planned)).flat());
    expect(ids).toEqual(upTo(30).filter((id) => id !== 29));
    expect(planned.ranges).toHaveLength(3);
  });

  it('plans each partition with bounds of its own', async () => {
    await fixture.replaceRows(upTo(40).map((i) => ({ id: BigInt(i), number: i % 3, flag: i > 30 })));
    const source = keyset(Item, {
      orderBy: { id: 'desc' },
      where: { flag: false },
      partitions: { zero: { number: 0 }, one: { number: 1 }, none: { number: 7 } },
    });

    const planned = await planAll(fixture, source, { batchSize: 4 });

    const loaded = await loadAll(fixture, source, planned);
    const of = (name: string) => loaded.filter((_, i) => planned.ranges[i]?.range.partition === name).flat();
    expect(idsOf(of('zero'))).toEqual([30, 27, 24, 21, 18, 15, 12, 9, 6, 3]);
    expect(idsOf(of('one'))).toEqual([28, 25, 22, 19, 16, 13, 10, 7, 4, 1]);
    expect(planned.opening.partitions.map(({ name, bounds }) => [name, bounds])).toEqual([
      ['zero', [[{ i: '30' }], [{ i: '3' }], 10, 'id desc']],
      ['one', [[{ i: '28' }], [{ i: '1' }], 10, 'id desc']],
      ['none', null],
    ]);
    expect(planned.opening.total).toEqual({ rows: 20, exact: true });
    const request = { bounds: null, cursor: null, batchSize: 4, limit: 1 };
    await expect(source.plan(fixture.context(), { ...request, partition: 'one' })).resolves.toMatchObject({
      exhausted: true,
    });
    const [zero] = planned.opening.partitions;
    await expect(
      source.plan(fixture.context(), { ...request, bounds: zero?.bounds ?? null, partition: 'gone' }),
    ).rejects.toThrow(
      /backfill "update-items" cannot read Item \(partitions\): expected one of "zero", "one", "none", got "gone"/,
    );
    expect(() => source.toRange?.([[1], [2]], 0, 'gone')).toThrow(/expected one of "zero"/);
  });

  it('begins at from and ends at to, both inclusive, by all sort keys or the first few', async () => {
    await fixture.replaceRows(
      minutes(60, (i) => ({ at: new Date(Date.UTC(2020, 0, 1, 0, Math.floor(i / 10))) })),
    );
    const source = keyset(Item, { orderBy: newestFirst });
    const ids = async (request: { from?: unknown; to?: unknown }) => {
      const planned = await planAll(fixture, source, { batchSize: 7, ...request });
      return idsOf((await loadAll(fixture, source, planned)).flat());
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
    await expect(
      ids({ from: { at: '2020-01-01T00:01Z' }, to: { at: '2020-01-01T00:04Z' } }),
    ).rejects.toMatchObject({ code: 'BACKFILL_SOURCE_BOUNDS' });
  });

  it.each([
    [{ from: 500 }, /\(from\): expected an object of sort keys, got 500/],
    [
      { from: { id: 5 } },
      /\(from.id\): expected the sort keys without a gap, got another key. Pass all sort keys \(at, id\)/,
    ],
    [{ to: { at: 'yesterday' } }, /\(to.at\): expected a Date or an ISO 8601 string, got "yesterday"/],
    [
      { to: { at: '2020-01-01', id: 1.5 } },
      /\(to.id\): expected a whole number or a string of digits, got 1.5/,
    ],
    [{ from: {} }, /\(from\): expected at least the first sort key, got none/],
  ])('refuses %j', async (request, message) => {
    const opening = keyset(Item, { orderBy: newestFirst }).open(fixture.context(), request);
    await expect(opening).rejects.toMatchObject({
      code: 'BACKFILL_SOURCE_BOUNDS',
      message: expect.stringMatching(message),
    });
  });

  it('refuses to continue a run in another order', async () => {
    await fixture.replaceRows(minutes(10));
    const { partitions } = await keyset(Item, { orderBy: { at: 'asc' } }).open(fixture.context(), {});
    const changed = keyset(Item, { orderBy: { at: 'desc' } }).plan(fixture.context(), {
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

  it('loads rows by their keys while they match', async () => {
    await fixture.replaceRows(minutes(6));
    const source = keyset(Item, { orderBy: newestFirst, where: { number: { $gt: 0 } } });
    const { ranges } = await planAll(fixture, source, { batchSize: 6 });
    const rows = (await source.load?.(fixture.context(), ranges[0]?.data ?? null, '')) ?? [];
    const keys = rows.map((row) => source.keyOf?.(row) ?? null);
    expect(keys).toEqual(['6', '5', '4', '3', '2', '1']);

    await fixture.database.query('DELETE FROM "other schema".items WHERE id = 5');
    await fixture.database.query('UPDATE "other schema".items SET "the number" = 0 WHERE id = 4');

    expect(idsOf((await source.loadKeys?.(fixture.context(), ['1', '4', '5', '6'], '')) ?? [])).toEqual([
      6, 1,
    ]);
  });

  it('loads rows by composite keys', async () => {
    await fixture.database.query(`INSERT INTO pairs SELECT g, 'r' || g % 2, '' FROM generate_series(1, 9) g`);
    const source = keyset(Pair, { orderBy: { right: 'desc' } });
    const planned = await planAll(fixture, source, { batchSize: 4 });
    const rows = (await loadAll(fixture, source, planned)).flat();
    expect(rows.map(({ left }) => left)).toEqual([9, 7, 5, 3, 1, 8, 6, 4, 2]);
    expect(planned.ranges[0]?.range.first).toEqual({ right: 'r1', left: 9 });
    const keys = rows.slice(0, 3).map((row) => source.keyOf?.(row) ?? null);
    expect(keys).toEqual([
      [9, 'r1'],
      [7, 'r1'],
      [5, 'r1'],
    ]);
    const again = await source.loadKeys?.(fixture.context(), [...keys, [1, 'r0']], '');
    expect(again?.map(({ left }) => left)).toEqual([9, 7, 5]);
  });

  it('excludes soft-deleted rows unless their filter is disabled', async () => {
    await fixture.replaceRows(minutes(10, (i) => ({ hidden: i % 2 === 1 })));
    const ids = async (filters?: false) => {
      const source = keyset(Item, { orderBy: { id: 'asc' }, ...(filters === undefined ? {} : { filters }) });
      const planned = await planAll(fixture, source, { batchSize: 2 });
      expect(planned.opening.total.rows).toBe(planned.ranges.reduce((sum, { rows }) => sum + rows, 0));
      return idsOf((await loadAll(fixture, source, planned)).flat());
    };
    expect(await ids()).toEqual([1, 3, 5, 7, 9]);
    expect(await ids(false)).toEqual(upTo(10));
  });

  it('does not modify its options', async () => {
    await fixture.replaceRows(minutes(4));
    const where = deepFreeze({ $and: [{ id: { $gt: 1n } }, { owner: { name: { $like: '%' } } }] });
    const source = keyset(Item, { orderBy: deepFreeze({ id: 'asc' }), where });
    const { ranges } = await planAll(fixture, source, { batchSize: 2 });
    const { em } = fixture.context();
    expect(idsOf(await em.find(Item, ranges[0]?.range.where ?? {}))).toEqual([2, 3]);
    expect(await em.count(Item, ranges[0]?.range.where ?? {})).toBe(2);
  });

  it('accepts raw SQL in its filter', async () => {
    await fixture.replaceRows(minutes(20));
    const source = keyset(Item, {
      orderBy: { id: 'asc' },
      where: () => ({
        [raw((alias) => `${alias}.id % ?`, [2])]: 1,
        at: { $lt: new Date('2020-01-01T00:15Z') },
      }),
    });
    const planned = await planAll(fixture, source, { batchSize: 3 });
    expect(idsOf((await loadAll(fixture, source, planned)).flat())).toEqual([1, 3, 5, 7, 9, 11, 13, 15]);
  });

  it('describes a range in readable form', async () => {
    await fixture.replaceRows(minutes(3));
    const source = keyset(Item, { orderBy: { at: 'asc' } });
    const { ranges } = await planAll(fixture, source, { batchSize: 2 });
    expect(source.describe?.(ranges[0]?.data ?? null)).toEqual({
      first: { at: '2020-01-01 00:00:00+00', id: '1' },
      last: { at: '2020-01-01 00:01:00+00', id: '2' },
    });
  });

  it('rethrows a statement timeout unchanged', async () => {
    await fixture.replaceRows(minutes(3));
    const source = keyset(Item, { orderBy: { id: 'asc' } });
    const { partitions } = await source.open(fixture.context(), {});
    const context = fixture.context();
    await fixture.database.query('BEGIN');
    await fixture.database.query('LOCK TABLE "other schema".items');
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
      await fixture.database.query('ROLLBACK');
    }
  });

  it('stops waiting when the signal is aborted', async () => {
    const source = keyset(Item, { orderBy: { id: 'asc' } });
    const stop = new AbortController();
    await fixture.database.query('BEGIN');
    await fixture.database.query('LOCK TABLE "other schema".items');
    const opening = source.open({ ...fixture.context(), signal: stop.signal }, {});
    stop.abort(new Error('shutting down'));
    await expect(opening).rejects.toThrow('shutting down');
    await fixture.database.query('ROLLBACK');
    await expect(source.open({ ...fixture.context(), signal: stop.signal }, {})).rejects.toThrow(
      'shutting down',
    );
  });
});

function deepFreeze<T>(value: T): T {
  if (typeof value === 'object' && value !== null) Object.values(Object.freeze(value)).forEach(deepFreeze);
  return value;
}
