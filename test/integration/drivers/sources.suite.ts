import fc from 'fast-check';
import { idRange } from '../../../lib/sources/id-range/id-range.js';
import { keyset } from '../../../lib/sources/keyset/keyset.js';
import { sized } from '../../support/thorough.js';
import { loadAll, planAll } from '../sources/plan-source.js';
import { type DriverBench, Entry, Token, Wide } from './driver-bench.js';
import { Loose, looseTable } from './entities.js';

const upTo = (count: number) => Array.from({ length: count }, (_, i) => i + 1);
const idsOf = (rows: ReadonlyArray<{ id: unknown }>) => rows.map(({ id }) => id);
const START = Date.UTC(2020, 0, 1);

/** Rows of which `sharing` consecutive ones have the same time. */
function entries(count: number, sharing = 3): Array<Partial<Entry>> {
  return upTo(count).map((id) => ({
    id,
    code: `code ${String(count - id).padStart(4, '0')}`,
    at: new Date(START + Math.floor(id / sharing) * 7),
    shard: id % 2 === 0 ? 'eu' : 'us',
    hidden: id % 10 === 0,
    state: 'new',
    touches: 0,
  }));
}

/** The sources, with the same results on every driver. */
export function sourcesSuite(bench: DriverBench): void {
  describe('idRange', () => {
    it.each(['asc', 'desc'] as const)('hands out sparse ids once each, %s', async (direction) => {
      const ids = [-7, 0, 1, 2, 3, 50, 51, 99, 100];
      const [row] = entries(1);
      await bench.fill(
        Entry,
        ids.map((id) => ({ ...row, id, code: String(id), hidden: false })),
      );
      const source = idRange(Entry, { direction });
      const planned = await planAll(bench, source, { batchSize: 20 });
      const loaded = (await loadAll(bench, source, planned)).flat();
      expect(idsOf(loaded)).toEqual(direction === 'asc' ? ids : ids.toReversed());
      expect(planned.opening.total).toEqual({ rows: ids.length, exact: true });
      expect(planned.ranges).toHaveLength(6);
    });

    it('applies from, to, where and the default filters of the entity', async () => {
      await bench.fill(Entry, entries(60));
      const source = idRange(Entry, { where: { shard: 'eu' } });
      const planned = await planAll(bench, source, { batchSize: 7, from: 50, to: 11 });
      const expected = upTo(60).filter((id) => id >= 11 && id <= 50 && id % 2 === 0 && id % 10 !== 0);
      expect(idsOf((await loadAll(bench, source, planned)).flat())).toEqual(expected.toReversed());
      const unfiltered = idRange(Entry, { where: { shard: 'eu' }, filters: false });
      const all = await planAll(bench, unfiltered, { batchSize: 60 });
      expect((await loadAll(bench, unfiltered, all)).flat()).toHaveLength(30);
      expect(await source.countLeft?.(bench.context())).toBe(24);
    });

    it('refuses a string key', () => {
      expect(() => idRange(Token).prepare?.(bench.context())).toThrow(
        /\(key id\): expected an integer property, got a property of type string\. Use keyset\(\)/,
      );
    });
  });

  describe('keyset', () => {
    it.each(['asc', 'desc'] as const)('reads in the order of a unique string, %s', async (direction) => {
      await bench.fill(Entry, entries(57));
      const source = keyset(Entry, { orderBy: { code: direction }, filters: false });
      const planned = await planAll(bench, source, { batchSize: 10, limit: 2 });
      const loaded = await loadAll(bench, source, planned);
      const ids = idsOf(loaded.flat());
      expect(ids).toEqual(direction === 'desc' ? upTo(57) : upTo(57).toReversed());
      expect(loaded.map((batch) => batch.length)).toEqual([10, 10, 10, 10, 10, 7]);
    });

    it('reads in the order of UUIDs, and loads rows by them', async () => {
      const uuid = (i: number) => `${String(i * 7919).padStart(8, '0')}-0000-4000-8000-00000000000${i % 10}`;
      await bench.fill(
        Token,
        upTo(40).map((i) => ({ id: uuid(i), touches: 0 })),
      );
      const source = keyset(Token, { orderBy: { id: 'asc' } });
      const planned = await planAll(bench, source, { batchSize: 9 });
      const loaded = (await loadAll(bench, source, planned)).flat();
      expect(idsOf(loaded)).toEqual(upTo(40).map(uuid));
      const keys = loaded.slice(3, 5).map((row) => source.keyOf?.(row) ?? null);
      expect(idsOf((await source.loadKeys?.(bench.context(), keys, '')) ?? [])).toEqual([uuid(4), uuid(5)]);
    });

    it.each([
      ['desc', 'asc'],
      ['asc', 'desc'],
      ['desc', 'desc'],
    ] as const)('reads in the order of timestamps with duplicates, at %s, id %s', async (at, id) => {
      await bench.fill(Entry, entries(100, 9));
      const source = keyset(Entry, { orderBy: { at, id }, filters: false });
      const planned = await planAll(bench, source, { batchSize: 8, limit: 2 });
      const loaded = await loadAll(bench, source, planned);
      const expected = await bench.orm.em
        .fork()
        .find(Entry, {}, { orderBy: [{ at }, { id }], filters: false });
      expect(idsOf(loaded.flat())).toEqual(idsOf(expected));
      expect(loaded.map((batch) => batch.length)).toEqual([...Array<number>(12).fill(8), 4]);
      const [range] = planned.ranges;
      expect(range?.range.first).toEqual({ at: expected[0]?.at, id: expected[0]?.id });
      expect(await bench.orm.em.fork().count(Entry, range?.range.where ?? {}, { filters: false })).toBe(8);
    });

    it('begins at from and ends at to, exact to the millisecond', async () => {
      await bench.fill(
        Entry,
        entries(40, 1).map((row) => Object.assign(row, { at: new Date(START + (row.id ?? 0)) })),
      );
      const source = keyset(Entry, { orderBy: { at: 'asc' }, where: { shard: 'eu' }, filters: false });
      const planned = await planAll(bench, source, {
        batchSize: 4,
        from: { at: new Date(START + 11).toISOString() },
        to: { at: new Date(START + 30), id: 30 },
      });
      const expected = upTo(40).filter((id) => id >= 11 && id <= 30 && id % 2 === 0);
      expect(idsOf((await loadAll(bench, source, planned)).flat())).toEqual(expected);
    });

    it('counts the planned rows that are left, and the rows that no run has covered', async () => {
      await bench.fill(Entry, entries(60));
      const partitions = { eu: { shard: 'eu' }, us: { shard: 'us' } };
      const source = keyset(Entry, { orderBy: { at: 'desc', id: 'asc' }, partitions, filters: false });
      const part = await planAll(bench, source, { batchSize: 5, from: { at: new Date(START + 70) } });
      const [first] = part.ranges;
      const ids = idsOf((await loadAll(bench, source, part))[0] ?? []);
      const count = (limit: number) =>
        source.countPlanned?.(bench.context(), first?.data ?? null, 'eu', limit);
      expect(await count(5)).toBe(5);
      await bench.orm.em.fork().nativeDelete(Entry, { id: { $in: ids.slice(1, 3) as number[] } });
      expect(await count(5)).toBe(3);
      expect(await count(2)).toBe(2);

      // Ids from 33 up have a later time, and the walk begins with the latest.
      const outside = (from: boolean, to: boolean) =>
        source.countOutside?.(bench.context(), [{ partitions: part.opening.partitions, from, to }]);
      expect(await outside(true, true)).toBe(28);
      expect(await outside(true, false)).toBe(28);
      expect(await outside(false, true)).toBe(0);
      expect(await source.countOutside?.(bench.context(), [])).toBe(58);
      expect(source.walk?.(bench.context())).toMatchObject({
        order: 'at desc, id asc',
        where: 'none',
        'partition eu': '{"shard":"eu"}',
      });
    });

    it('plans each partition separately', async () => {
      await bench.fill(Entry, entries(41));
      const source = keyset(Entry, {
        orderBy: { at: 'desc' },
        partitions: { eu: { shard: 'eu' }, us: { shard: 'us' } },
      });
      const planned = await planAll(bench, source, { batchSize: 6 });
      const loaded = await loadAll(bench, source, planned);
      const left = upTo(41).filter((id) => id % 10 !== 0);
      expect(idsOf(loaded.flat()).toSorted((a, b) => Number(a) - Number(b))).toEqual(left);
      for (const [i, batch] of loaded.entries()) {
        expect(new Set(batch.map(({ shard }) => shard))).toEqual(new Set([planned.ranges[i]?.partition]));
      }
    });

    it('hands out every row once, in the collation of the database', async () => {
      // Case, accents, ligatures, trailing spaces and sharp s: collations may treat them as equal.
      const letter = fc.constantFrom(
        'a',
        'A',
        'á',
        'b',
        'B',
        'ß',
        'ss',
        'ae',
        'æ',
        ' ',
        '_',
        '%',
        'Z',
        '1',
        '😀',
      );
      const text = fc.array(letter, { maxLength: 4 }).map((letters) => letters.join(''));
      const direction = fc.constantFrom('asc' as const, 'desc' as const);
      await fc.assert(
        fc.asyncProperty(
          fc.array(fc.record({ shard: text, at: fc.integer({ min: 0, max: 3 }) }), { maxLength: 40 }),
          fc.tuple(direction, direction, direction),
          fc.boolean(),
          fc.integer({ min: 1, max: 9 }),
          async (rows, [by, second, third], timeFirst, batchSize) => {
            const [base] = entries(1);
            await bench.fill(
              Entry,
              rows.map(({ shard, at }, i) => ({
                ...base,
                id: i,
                code: `c${i}`,
                shard,
                at: new Date(START + at),
              })),
            );
            const orderBy = timeFirst
              ? [{ at: by }, { shard: second }, { id: third }]
              : [{ shard: by }, { at: second }, { id: third }];
            const source = keyset(Entry, { orderBy, filters: false });
            const planned = await planAll(bench, source, { batchSize, limit: 2 });
            const loaded = await loadAll(bench, source, planned);
            const expected = await bench.orm.em.fork().find(Entry, {}, { orderBy, filters: false });
            expect(idsOf(loaded.flat())).toEqual(idsOf(expected));
            expect(planned.ranges.map(({ rows: planned }) => planned)).toEqual(loaded.map((b) => b.length));
          },
        ),
        { numRuns: sized(4, 25) },
      );
    });

    it('refuses rows that are null in a sort key, whatever the entity declares', async () => {
      const { em } = bench.context();
      if ('createQueryBuilder' in em) {
        const connection = em.getConnection() as unknown as { execute(sql: string): Promise<unknown> };
        for (const statement of looseTable) await connection.execute(statement);
      }
      const names = ['a', null, 'z'];
      await bench.fill(
        Loose,
        names.map((name, i) => ({ id: i, shard: `s${i}`, name: name as string })),
      );
      for (const orderBy of [{ name: 'asc' }, { name: 'desc' }, { shard: 'asc', name: 'asc' }] as const) {
        await expect(keyset(Loose, { orderBy }).open(bench.context(), {})).rejects.toMatchObject({
          code: 'BACKFILL_SOURCE_KEY',
          problem: { field: 'name' },
        });
        const source = keyset(Loose, { orderBy, where: { name: { $ne: null } } });
        expect((await source.open(bench.context(), {})).total.rows).toBe(2);
      }
    });

    it('halves a range between its rows', async () => {
      await bench.fill(Entry, entries(30, 9));
      const source = keyset(Entry, { orderBy: { at: 'desc', id: 'asc' }, filters: false });
      const planned = await planAll(bench, source, { batchSize: 11 });
      for (const { data, rows } of planned.ranges) {
        const halves = (await source.split?.(bench.context(), data, '')) ?? [];
        expect(halves.map((half) => half.rows)).toEqual([Math.ceil(rows / 2), Math.floor(rows / 2)]);
        const whole = (await source.load?.(bench.context(), data, '')) ?? [];
        const joined: Entry[] = [];
        for (const half of halves)
          joined.push(...((await source.load?.(bench.context(), half.data, '')) ?? []));
        expect(idsOf(joined)).toEqual(idsOf(whole));
      }
    });
  });
}

/** For drivers that store and query a bigint in the same format. */
export function bigintsSuite(bench: DriverBench): void {
  it('supports integers above 2^53, or refuses them', async () => {
    const ids = upTo(30).map((i) => 9_007_199_254_740_990n + BigInt(i));
    const em = bench.orm.em.fork();
    await em.nativeDelete(Wide, {});
    for (const id of ids) await em.insert(Wide, { id, touches: 0 });
    const source = keyset(Wide, { orderBy: { id: 'desc' } });
    if (!bench.driver.wideIntegers) {
      await expect(planAll(bench, source, { batchSize: 7 })).rejects.toThrow(
        'The database driver rounds integers above 2^53: use another key.',
      );
      return;
    }
    const planned = await planAll(bench, source, { batchSize: 7 });
    expect(idsOf((await loadAll(bench, source, planned)).flat())).toEqual(ids.toReversed());
    const strides = idRange(Wide, { direction: 'asc' });
    const cut = await planAll(bench, strides, { batchSize: 7 });
    expect(idsOf((await loadAll(bench, strides, cut)).flat())).toEqual(ids);
  });
}
