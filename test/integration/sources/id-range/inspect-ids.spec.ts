import { idRange } from '../../../../lib/sources/id-range/id-range.js';
import { openSourceFixture, type SourceFixture } from '../source-fixture.js';
import { Item, Ticket } from '../item.entity.js';

let fixture: SourceFixture;

beforeAll(async () => {
  fixture = await openSourceFixture();
});
afterAll(async () => {
  await fixture.orm.close(true);
});

async function inspect(source: ReturnType<typeof idRange<Ticket>>, batchSize: number) {
  const opening = await source.open(fixture.context(), {});
  return source.inspect?.(fixture.context(), opening, batchSize);
}

const tickets = async (sql: string) => {
  await fixture.database.query('TRUNCATE tickets');
  await fixture.database.query(`INSERT INTO tickets (id) ${sql}`);
};

describe('inspect of idRange', () => {
  it('has no warnings for dense ids', async () => {
    await tickets('SELECT generate_series(1, 5000)');
    expect(await inspect(idRange(Ticket), 100)).toEqual({ warnings: [], totalRanges: 50 });
  });

  it('warns of sparse ids', async () => {
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

  it('warns of a key without an index, and skips the sample', async () => {
    await fixture.replaceRows([
      { id: 1n, number: 1 },
      { id: 2n, number: 1000 },
    ]);
    const source = idRange(Item, { key: 'number' });
    const opening = await source.open(fixture.context(), {});
    expect(await source.inspect?.(fixture.context(), opening, 10)).toEqual({
      warnings: [{ code: 'NO_INDEX', message: expect.stringContaining('number has no index') }],
      totalRanges: 100,
    });
  });
});
