import { MikroORM } from '@mikro-orm/postgresql';
import { keyset } from '../../../../lib/sources/keyset/keyset.js';
import { KeysetOrder } from '../../../../lib/sources/keyset/keyset-order.js';
import { KeysetSource } from '../../../../lib/sources/keyset/keyset.source.js';
import { portableKeyReader } from '../../../../lib/sources/keys/portable-key.reader.js';
import { SourceScope } from '../../../../lib/sources/source-scope.js';
import { openSourceFixture, type SourceFixture } from '../source-fixture.js';
import { planAll } from '../plan-source.js';
import { schemas, Item } from '../item.entity.js';

let fixture: SourceFixture;

beforeAll(async () => {
  fixture = await openSourceFixture();
  await fixture.replaceRows(
    [0, 1, 2, 3].map((i) => ({ id: BigInt(i), naive: `2020-07-01T12:00:00.00000${i}` })),
  );
});
afterAll(async () => {
  await fixture.orm.close(true);
});

describe('columns without a time zone', () => {
  it.each([{ timezone: '+02:00' }, { forceUtcTimezone: true }, { forceUtcTimezone: false }])(
    'are handed out as MikroORM reads them, and planned exactly (%j)',
    async (options) => {
      const orm = await MikroORM.init({ entities: schemas, clientUrl: fixture.database.url, ...options });
      try {
        const source = keyset(Item, { orderBy: { naive: 'asc' } });
        const { ranges } = await planAll({ context: () => ({ em: orm.em.fork(), backfill: 'b' }) }, source, {
          batchSize: 1,
        });
        const first = await orm.em.fork().findOneOrFail(Item, { id: 0n });
        expect(ranges).toHaveLength(4);
        expect(ranges[0]?.range.first).toMatchObject({ naive: first.naive });
        for (const [i, { range }] of ranges.entries()) {
          const found = await orm.em.fork().find(Item, range.where);
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

describe('a driver that reads milliseconds only', () => {
  it('refuses columns with a higher precision', () => {
    const scope = SourceScope.of(Item, {}, 'keyset');
    const source = new KeysetSource<Item>(
      scope,
      new KeysetOrder(scope, { at: 'asc' }),
      () => portableKeyReader,
    );
    expect(() => source.prepare(fixture.context())).toThrow(
      /\(orderBy\.at\): expected a timestamp with at most milliseconds, .* got a timestamp with 6 fractional digits/,
    );
  });
});
