import { idRange } from '../../../../lib/sources/id-range/id-range.js';
import { openShop, type Shop } from '../source-fixture.js';
import { Shelf, Ticket } from '../item.entity.js';

let shop: Shop;

beforeAll(async () => {
  shop = await openShop();
});
afterAll(async () => {
  await shop.orm.close(true);
});

async function inspect(source: ReturnType<typeof idRange<Ticket>>, batchSize: number) {
  const opening = await source.open(shop.context(), {});
  return source.inspect?.(shop.context(), opening, batchSize);
}

const tickets = async (sql: string) => {
  await shop.database.query('TRUNCATE tickets');
  await shop.database.query(`INSERT INTO tickets (id) ${sql}`);
};

describe('inspect of idRange', () => {
  it('finds nothing to warn of in a dense table', async () => {
    await tickets('SELECT generate_series(1, 5000)');
    expect(await inspect(idRange(Ticket), 100)).toEqual({ warnings: [], totalRanges: 50 });
  });

  it('warns of ids that are spread thin', async () => {
    await tickets('SELECT g * 10000 FROM generate_series(1, 1000) g');
    const inspection = await inspect(idRange(Ticket), 100);
    expect(inspection?.totalRanges).toBe(99_901);
    expect(inspection?.warnings).toEqual([
      {
        code: 'SPARSE_IDS',
        message: expect.stringMatching(/^About 9\d{4} of 99901 ranges \((99|100) %\) .* keyset\(/),
      },
    ]);
  });

  it('warns of a gap in the middle of dense ids', async () => {
    await tickets('SELECT generate_series(1, 3000) UNION ALL SELECT generate_series(6001, 9000)');
    const { warnings = [] } = (await inspect(idRange(Ticket), 10)) ?? {};
    expect(warnings).toEqual([
      { code: 'SPARSE_IDS', message: expect.stringMatching(/^About (2[5-9]\d|3[0-4]\d) of 900 ranges/) },
    ]);
  });

  it('warns of a key without an index, and then looks no further', async () => {
    await shop.stock([
      { id: 1n, number: 1 },
      { id: 2n, number: 1000 },
    ]);
    const source = idRange(Shelf, { key: 'number' });
    const opening = await source.open(shop.context(), {});
    expect(await source.inspect?.(shop.context(), opening, 10)).toEqual({
      warnings: [{ code: 'NO_INDEX', message: expect.stringContaining('No index leads to number') }],
      totalRanges: 100,
    });
  });
});
