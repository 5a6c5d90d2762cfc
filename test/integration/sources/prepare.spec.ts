import type { EntityName } from '@mikro-orm/core';
import type { BackfillSource } from '../../../lib/sources/backfill-source.js';
import { idRange, type IdKey } from '../../../lib/sources/id-range/id-range.js';
import { keyset } from '../../../lib/sources/keyset/keyset.js';
import { openSourceFixture, type SourceFixture } from './source-fixture.js';
import { Pair, Item, Unregistered, Ticket } from './item.entity.js';

let fixture: SourceFixture;

beforeAll(async () => {
  fixture = await openSourceFixture();
});
afterAll(async () => {
  await fixture.orm.close(true);
});

const prepare = async (source: BackfillSource<never, never>) => {
  await source.prepare?.(fixture.context());
};
const byKey = (entity: EntityName<Item> | EntityName<Ticket> | EntityName<Pair>, key?: string) =>
  idRange(
    entity as EntityName<Item>,
    key === undefined ? {} : { key: key as IdKey<Item> },
  ) as unknown as BackfillSource<never, never>;
const byOrder = (orderBy: object, where?: object, entity: EntityName = Item) =>
  keyset(entity as EntityName<Item>, {
    orderBy,
    ...(where ? { where } : {}),
  }) as unknown as BackfillSource<never, never>;

const REFUSED: Array<[string, BackfillSource<never, never>, RegExp]> = [
  [
    'an entity that MikroORM does not know',
    idRange(Unregistered) as never,
    /backfill "update-items" cannot read Unregistered \(entity\): expected an entity that MikroORM knows, got "Unregistered"\. Add Unregistered to the `entities`/,
  ],
  [
    'a composite key',
    byKey(Pair),
    /Pair \(key\): expected a primary key of one column.*got the composite key left, right\. Name an integer property: \{ key: … \}, or use keyset\(\)/,
  ],
  [
    'an unknown key',
    byKey(Item, 'nubmer'),
    /Item \(key nubmer\): expected an integer property, got no such property\. Item has id, number, digits/,
  ],
  [
    'a string key',
    byKey(Item, 'code'),
    /Item \(key code\): expected an integer property, got a property of type string\. Use keyset\(\).*orderBy: \{ code: 'desc' \}/,
  ],
  [
    'a nullable key',
    byKey(Item, 'sparse'),
    /Item \(key sparse\): .*got a nullable column\. .* where: \{ sparse: \{ \$ne: null \} \}/,
  ],
  [
    'a key that JavaScript rounds',
    byKey(Ticket, 'score'),
    /Ticket \(key score\): .*whose values JavaScript may round/,
  ],
  ['no order', byOrder({}), /\(orderBy\): expected at least one property, got none/],
  [
    'an invalid direction',
    byOrder({ id: 'up' }),
    /\(orderBy\.id\): expected 'asc' or 'desc', once for each property, got "up"/,
  ],
  [
    'a position for nulls',
    byOrder({ id: 'asc nulls last' }),
    /\(orderBy\.id\): .*The position of nulls cannot be set/,
  ],
  [
    'a property named twice',
    byOrder([{ id: 'asc' }, { id: 'desc' }]),
    /\(orderBy\.id\): .*once for each property/,
  ],
  [
    'an order by a nullable column',
    byOrder({ sparse: 'asc' }),
    /\(orderBy\.sparse\): expected a column without nulls.*where: \{ sparse: \{ \$ne: null \} \}/,
  ],
  [
    'an order by a property of a relation',
    byOrder({ owner: { name: 'asc' } }),
    /\(orderBy\.owner\.name\): expected a column that can be compared, got no such property/,
  ],
  [
    'an order by an array',
    byOrder({ tags: 'asc' }, undefined, Ticket),
    /\(orderBy\.tags\): expected a column that can be compared, got/,
  ],
  ['an order by JSON', byOrder({ settings: 'asc' }, undefined, Ticket), /\(orderBy\.settings\): /],
  [
    'an order by rounded decimals',
    byOrder({ price: 'asc' }, undefined, Ticket),
    /\(orderBy\.price\): .*map a decimal as a string/,
  ],
  [
    'an order by a property that is not persistent',
    byOrder({ total: 'asc' }, undefined, Ticket),
    /\(orderBy\.total\): .*which has no column/,
  ],
  [
    'no partition',
    keyset(Item, { orderBy: { id: 'asc' }, partitions: {} }) as never,
    /\(partitions\): expected at least one name.*got none\. Name each partition in keyset\(Item/,
  ],
  [
    'a partition without a name',
    idRange(Item, { partitions: { '': {} } }) as never,
    /\(partitions\): .*got an empty name\. Name each partition in idRange\(Item/,
  ],
];

describe('prepare', () => {
  it.each(REFUSED)('refuses %s', async (_, source, message) => {
    await expect(prepare(source)).rejects.toMatchObject({
      name: 'BackfillSourceError',
      code: 'BACKFILL_SOURCE_INVALID',
      message: expect.stringMatching(message),
    });
  });

  it.each([
    ['nullable columns whose nulls are excluded', byOrder({ sparse: 'asc' }, { sparse: { $ne: null } })],
    ['an integer property other than the primary key', byKey(Item, 'number')],
    [
      'nulls excluded by every partition',
      keyset(Item, {
        orderBy: { sparse: 'desc' },
        partitions: { a: { $and: [{ sparse: { $ne: null, $gt: 5 } }] } },
      }) as never,
    ],
    ['a composite primary key if another key is given', byKey(Pair, 'left')],
    ['directions in any of the formats of MikroORM', byOrder([{ id: 'ASC' }, { number: -1 }])],
  ])('accepts %s', async (_, source) => {
    await expect(prepare(source)).resolves.toBeUndefined();
  });
});
