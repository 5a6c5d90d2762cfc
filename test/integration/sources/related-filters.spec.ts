import { Collection } from '@mikro-orm/core';
import { Entity, Filter, ManyToOne, OneToMany, PrimaryKey, Property } from '@mikro-orm/decorators/legacy';
import { idRange, keyset, type BackfillSource } from 'nestjs-backfill';
import { createAppBench, defineBackfill } from '../../support/apps/index.js';

/** Soft deletion, on by default, as apps declare it on every entity. */
const notDeleted = { name: 'notDeleted', cond: { deleted: false }, default: true };

@Filter(notDeleted)
@Entity({ tableName: 'customers' })
class Customer {
  @PrimaryKey({ type: 'integer', autoincrement: false })
  id!: number;

  @Property({ type: 'text' })
  name!: string;

  @Property({ type: 'boolean' })
  deleted!: boolean;
}

@Filter(notDeleted)
@Entity({ tableName: 'orders' })
class Order {
  @PrimaryKey({ type: 'integer', autoincrement: false })
  id!: number;

  @ManyToOne(() => Customer)
  customer!: Customer;

  @Property({ type: 'boolean' })
  deleted!: boolean;

  @Property({ type: 'integer' })
  touches!: number;
}

@Filter(notDeleted)
@Entity({ tableName: 'lines' })
class Line {
  @PrimaryKey({ type: 'integer', autoincrement: false })
  id!: number;

  @ManyToOne(() => EagerOrder)
  order!: unknown;

  @Property({ type: 'boolean' })
  deleted!: boolean;
}

/** The same rows through a view, with their relations loaded along. */
@Filter(notDeleted)
@Entity({ tableName: 'eager_orders' })
class EagerOrder {
  @PrimaryKey({ type: 'integer', autoincrement: false })
  id!: number;

  @ManyToOne(() => Customer, { eager: true })
  customer!: Customer;

  @OneToMany(() => Line, (line) => line.order, { eager: true })
  lines = new Collection<Line>(this);

  @Property({ type: 'boolean' })
  deleted!: boolean;

  @Property({ type: 'integer' })
  touches!: number;
}

const bench = await createAppBench();
const entities = [Customer, Order, EagerOrder, Line];
const config = { batchSize: 10, perSecondOnPeak: null, perSecondOffPeak: null, backoffMs: 1, attempts: 2 };

beforeAll(async () => {
  await bench.database.query(`
    CREATE TABLE customers (id int PRIMARY KEY, name text NOT NULL, deleted boolean NOT NULL);
    CREATE TABLE orders (id int PRIMARY KEY, customer_id int NOT NULL REFERENCES customers, deleted boolean NOT NULL,
                         touches int NOT NULL DEFAULT 0);
    CREATE VIEW eager_orders AS SELECT * FROM orders;
    CREATE TABLE lines (id int PRIMARY KEY, order_id int NOT NULL REFERENCES orders, deleted boolean NOT NULL);
    INSERT INTO customers SELECT g, 'customer ' || g % 2, g > 6 FROM generate_series(1, 10) g;
    INSERT INTO orders SELECT g, 1 + g % 10, g > 100 FROM generate_series(1, 120) g;
    INSERT INTO lines SELECT g, 1 + g / 2 % 100, g % 2 = 1 FROM generate_series(0, 199) g;
  `);
});

beforeEach(() => bench.database.query('UPDATE orders SET touches = 0'));

/** The ids of the orders that were written, and how often. */
async function touched(): Promise<string[]> {
  const rows = await bench.database.query<{ id: number; touches: number }>(
    'SELECT id, touches FROM orders WHERE touches > 0 ORDER BY id',
  );
  return rows.map(({ id, touches }) => `${id}: ${touches}`);
}

const upTo100 = Array.from({ length: 100 }, (_, i) => `${i + 1}: 1`);

describe('a filter that is on by default on a related entity', () => {
  const sources: [string, BackfillSource<never, Order>][] = [
    ['keyset', keyset(Order, { orderBy: { id: 'asc' } }) as never],
    ['idRange', idRange(Order) as never],
  ];

  it.each(sources)('hides no row that %s planned from a batch handler', async (_, source) => {
    const handler = defineBackfill<never, Order>({
      name: 'orders',
      source,
      config,
      processBatch: (orders) => orders.forEach((order) => void order.touches++),
    });
    const { backfills, finished } = await bench.start({ handlers: [handler], entities });
    await backfills.start('orders');
    expect(await finished('orders')).toMatchObject({ state: 'completed', rowsTotal: 100, rowsDone: 100 });
    expect(await touched()).toEqual(upTo100);
  });

  it.each(sources)(
    'hides no row that %s planned from a row handler, nor a failed one from a retry',
    async (_, source) => {
      let broken = true;
      const handler = defineBackfill<never, Order>({
        name: 'orders',
        source,
        config,
        processRow: (order) => {
          order.touches++;
          if (broken && order.id % 10 === 7) {
            throw new Error('not yet');
          }
        },
      });
      const { backfills, finished } = await bench.start({ handlers: [handler], entities });
      await backfills.start('orders');
      expect(await finished('orders')).toMatchObject({ state: 'failed', rowsDone: 90, rowsFailed: 10 });
      broken = false;
      await backfills.retryFailures('orders');
      expect(await finished('orders')).toMatchObject({ state: 'completed', rowsDone: 100, rowsFailed: 0 });
      expect(await touched()).toEqual(upTo100);
    },
  );

  it('hides no row from the bisection of a batch', async () => {
    const handler = defineBackfill<never, Order>({
      name: 'orders',
      source: keyset(Order, { orderBy: { id: 'asc' } }),
      config: { ...config, attempts: 1 },
      processBatch: (orders) => {
        orders.forEach((order) => void order.touches++);
        if (orders.some(({ id }) => id === 47)) {
          throw new Error('not 47');
        }
      },
    });
    const { backfills, finished } = await bench.start({ handlers: [handler], entities });
    await backfills.start('orders');
    expect(await finished('orders')).toMatchObject({ state: 'failed', rowsDone: 99, rowsFailed: 1 });
    expect(await touched()).toEqual(upTo100.filter((entry) => entry !== '47: 1'));
  });

  it('applies to planning and loading alike where `where` compares the relation', async () => {
    const handler = defineBackfill<never, Order>({
      name: 'orders',
      source: keyset(Order, { orderBy: { id: 'asc' }, where: { customer: { name: 'customer 1' } } }),
      config,
      processBatch: (orders) => orders.forEach((order) => void order.touches++),
    });
    const { backfills, finished } = await bench.start({ handlers: [handler], entities });
    await backfills.start('orders');
    expect(await finished('orders')).toMatchObject({ state: 'completed', rowsTotal: 30, rowsDone: 30 });
    expect(await touched()).toHaveLength(30);
  });

  it('still applies to the relations that are loaded along', async () => {
    const seen = new Map<number, { deleted: number; lines: number[] }>();
    const handler = defineBackfill<never, EagerOrder>({
      name: 'orders',
      source: keyset(EagerOrder, { orderBy: { id: 'asc' } }),
      config,
      processBatch: (orders) =>
        orders.forEach((order) => {
          order.touches++;
          const lines = order.lines.getItems();
          seen.set(order.id, {
            deleted: lines.filter(({ deleted }) => deleted).length,
            lines: lines.map(({ id }) => id),
          });
        }),
    });
    const { backfills, finished } = await bench.start({ handlers: [handler], entities });
    await backfills.start('orders');
    expect(await finished('orders')).toMatchObject({ state: 'completed', rowsDone: 100 });
    expect(await touched()).toEqual(upTo100);
    expect([...seen.values()].every(({ deleted, lines }) => deleted === 0 && lines.length === 1)).toBe(true);
    expect(await bench.database.query('SELECT DISTINCT customer_id FROM orders')).toHaveLength(10);
  });

  it('is turned off for the entity itself as well by `filters: false`', async () => {
    const handler = defineBackfill<never, Order>({
      name: 'orders',
      source: keyset(Order, { orderBy: { id: 'asc' }, filters: false }),
      config,
      processBatch: (orders) => orders.forEach((order) => void order.touches++),
    });
    const { backfills, finished } = await bench.start({ handlers: [handler], entities });
    await backfills.start('orders');
    expect(await finished('orders')).toMatchObject({ state: 'completed', rowsTotal: 120, rowsDone: 120 });
    expect(await touched()).toHaveLength(120);
  });
});
