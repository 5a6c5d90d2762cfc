import { MikroORM } from '@mikro-orm/postgresql';
import { keyset } from '../../../../lib/sources/keyset/keyset.js';
import { KeysetOrder } from '../../../../lib/sources/keyset/keyset-order.js';
import { KeysetSource } from '../../../../lib/sources/keyset/keyset.source.js';
import { portableKeyReader } from '../../../../lib/sources/keys/portable-key.reader.js';
import { SourceScope } from '../../../../lib/sources/source-scope.js';
import { openShop, type Shop } from '../source-fixture.js';
import { walk } from '../plan-source.js';
import { schemas, Shelf } from '../item.entity.js';

let shop: Shop;

beforeAll(async () => {
  shop = await openShop();
  await shop.stock([0, 1, 2, 3].map((i) => ({ id: BigInt(i), naive: `2020-07-01T12:00:00.00000${i}` })));
});
afterAll(async () => {
  await shop.orm.close(true);
});

describe('columns without a time zone', () => {
  it.each([{ timezone: '+02:00' }, { forceUtcTimezone: true }, { forceUtcTimezone: false }])(
    'are given to the handler as MikroORM reads them, and walked exactly (%j)',
    async (options) => {
      const orm = await MikroORM.init({ entities: schemas, clientUrl: shop.database.url, ...options });
      try {
        const source = keyset(Shelf, { orderBy: { naive: 'asc' } });
        const { ranges } = await walk({ context: () => ({ em: orm.em.fork(), backfill: 'b' }) }, source, {
          batchSize: 1,
        });
        const first = await orm.em.fork().findOneOrFail(Shelf, { id: 0n });
        expect(ranges).toHaveLength(4);
        expect(ranges[0]?.range.first).toMatchObject({ naive: first.naive });
        for (const [i, { range }] of ranges.entries()) {
          const found = await orm.em.fork().find(Shelf, range.where);
          expect(found.map(({ id }) => id)).toEqual([BigInt(i)]);
        }
        const from = { naive: new Date(first.naive) };
        expect((await source.open({ em: orm.em.fork(), backfill: 'b' }, { from })).total.rows).toBe(4);
      } finally {
        await orm.close(true);
      }
    },
  );
});

describe('a driver that hands over milliseconds only', () => {
  it('refuses columns that keep more', () => {
    const scope = SourceScope.of(Shelf, {}, 'keyset');
    const source = new KeysetSource<Shelf>(
      scope,
      new KeysetOrder(scope, { at: 'asc' }),
      () => portableKeyReader,
    );
    expect(() => source.prepare(shop.context())).toThrow(
      /\(orderBy\.at\): expected a time of milliseconds at most, .* got one with 6 digits of a second/,
    );
  });
});
