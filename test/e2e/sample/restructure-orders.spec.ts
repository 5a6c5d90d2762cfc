import type { NestedOrder } from '../../../sample/src/restructure-orders/order-document.js';
import { startSample } from './start-sample.js';

const NAME = 'restructure-orders';

const { database, backfills, run, over } = await startSample();

/** Groups of ten share a microsecond, and the microseconds share their millisecond. */
const fill = (count: number) =>
  database.query(
    `insert into orders (id, created_at, shape, document)
     select gen_random_uuid(), timestamptz '2025-03-01 12:00:00+00' + (n / 10) * interval '1 microsecond', 1,
            jsonb_build_object('customer_name', 'Customer ' || n, 'street', n || ' Harbour Road',
              'postal_code', '4000', 'city', 'Porto', 'country', 'PT',
              'line1_sku', 'A', 'line1_quantity', 2, 'line1_price', 9.99,
              'line2_sku', 'B', 'line2_quantity', 1, 'line2_price', 0.1 + n)
       from generate_series(1, $1::int) as n`,
    [count],
  );

const counts = async () => {
  const [row] = await database.query(
    `select count(*) filter (where shape = 2 and rewrites = 1)::int as done,
            count(*) filter (where shape = 1 and rewrites = 0)::int as untouched from orders`,
  );
  return row;
};

beforeEach(() => database.query('truncate orders'));

describe('restructure-orders', () => {
  it('restructures every order once, though many were made at the same instant', async () => {
    await fill(1_003);
    expect(await run(NAME, { batchSize: 100 })).toMatchObject({
      state: 'completed',
      done: 11,
      rowsDone: 1_003,
      rowsTotal: 1_003,
    });
    expect(await counts()).toEqual({ done: 1_003, untouched: 0 });
  });

  it('nests customer and lines, and reckons in cents', async () => {
    await fill(1);
    await run(NAME);
    const [order] = await database.query<{ document: NestedOrder }>('select document from orders');
    expect(order?.document).toEqual({
      customer: {
        name: 'Customer 1',
        address: { street: '1 Harbour Road', postalCode: '4000', city: 'Porto', country: 'PT' },
      },
      lines: [
        { sku: 'A', quantity: 2, unitCents: 999 },
        { sku: 'B', quantity: 1, unitCents: 110 },
      ],
      totalCents: 2_108,
    });
  });

  it('touches nothing in a dry run', async () => {
    await fill(200);
    expect(await run(NAME, {}, { dryRun: true })).toMatchObject({ state: 'completed', rowsDone: 200 });
    expect(await counts()).toEqual({ done: 0, untouched: 200 });
  });

  it('finds the one bad order of a batch and does all others; mended, it is retried', async () => {
    await fill(500);
    const broken = `document ->> 'customer_name' = 'Customer 123'`;
    const [bad] = await database.query<{ id: string }>(
      `update orders set document = document - 'line1_sku' - 'line2_sku' where ${broken} returning id`,
    );
    expect(await run(NAME, { batchSize: 100, attempts: 2 })).toMatchObject({
      state: 'failed',
      rowsDone: 499,
      rowsFailed: 1,
    });
    expect(await counts()).toEqual({ done: 499, untouched: 1 });
    const { items } = await backfills.failures(NAME);
    expect(items).toMatchObject([
      { kind: 'row', error: { message: expect.stringContaining('Customer 123') } },
    ]);
    expect(JSON.stringify(items[0]?.key)).toContain(bad?.id);

    await database.query(`update orders set document = document || '{"line1_sku": "A"}' where ${broken}`);
    await backfills.retryFailures(NAME);
    expect(await over(NAME)).toMatchObject({ state: 'completed', rowsDone: 500, rowsFailed: 0 });
    expect(await counts()).toEqual({ done: 500, untouched: 0 });
  });
});
