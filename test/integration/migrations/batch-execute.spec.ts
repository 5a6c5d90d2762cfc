import { MikroORM, defineEntity, p } from '@mikro-orm/postgresql';
import { batchExecute } from 'nestjs-backfill/migrations';
import type { BatchProgress } from 'nestjs-backfill/migrations';
import { createTestDatabase } from '../../support/databases/index.js';

const Order = defineEntity({ name: 'Order', properties: { id: p.integer().primary() } });
const HOSTILE = 'or"de""r.s; DROP TABLE victim; --';
const quoted = `"${HOSTILE.replaceAll('"', '""')}"`;

const database = await createTestDatabase();
const orm = await MikroORM.init({ clientUrl: database.url, entities: [Order] });

beforeAll(async () => {
  await database.query('CREATE TABLE orders (id bigint PRIMARY KEY, total int)');
  await database.query('INSERT INTO orders SELECT id, NULL FROM generate_series(-5, 20) id');
  await database.query('INSERT INTO orders VALUES (9007199254740993, NULL)');
  await database.query(`CREATE TABLE ${quoted} (id int PRIMARY KEY)`);
  await database.query(`INSERT INTO ${quoted} VALUES (1)`);
  await database.query('CREATE TABLE victim (id uuid PRIMARY KEY)');
  await database.query('INSERT INTO victim VALUES (gen_random_uuid())');
});
afterAll(() => orm.close());

describe('batchExecute', () => {
  it('executes half-open intervals, skips gaps and reports progress', async () => {
    const progress: BatchProgress[] = [];
    const result = await batchExecute(orm.em.fork(), {
      table: 'orders',
      stepSize: 10,
      sql: ({ min, max }) =>
        `UPDATE orders SET total = coalesce(total, 0) + 1 WHERE id >= ${min} AND id < ${max}`,
      onProgress: (it) => progress.push(it),
    });

    expect(result).toEqual({ steps: 4, rows: 27 });
    expect(progress.map(({ min, rows }) => [min, rows])).toEqual([
      [-5n, 10],
      [5n, 20],
      [15n, 26],
      [9_007_199_254_740_993n, 27],
    ]);
    expect(progress.at(-1)?.percent).toBe(100);
    expect(await database.query('SELECT DISTINCT total FROM orders')).toEqual([{ total: 1 }]);
  });

  it('commits each step in a transaction of its own', async () => {
    const walk = batchExecute(orm.em.fork(), {
      table: 'orders',
      stepSize: 10,
      sql: ({ min, max }) =>
        min === 15n ? 'SELECT 1 / 0' : `UPDATE orders SET total = 2 WHERE id >= ${min} AND id < ${max}`,
    });

    await expect(walk).rejects.toThrow(/division by zero/);
    expect(await database.query('SELECT count(*)::int AS done FROM orders WHERE total = 2')).toEqual([
      { done: 20 },
    ]);
  });

  it('quotes a hostile table name', async () => {
    const seen = await batchExecute(orm.em.fork(), { table: HOSTILE, stepSize: 1, sql: () => `SELECT 1` });
    expect(seen.steps).toBe(1);

    await expect(
      batchExecute(orm.em.fork(), { table: 'x"; DROP TABLE victim; --', stepSize: 1, sql: () => 'SELECT 1' }),
    ).rejects.toThrow(/does not exist/);
    expect(await database.query('SELECT 1 FROM victim')).toHaveLength(1);
  });

  it('rejects a key that is not an integer, a step size of 0, and an open transaction', async () => {
    const sql = () => 'SELECT 1';
    await expect(batchExecute(orm.em.fork(), { table: 'victim', stepSize: 1, sql })).rejects.toThrow();
    await expect(batchExecute(orm.em.fork(), { table: 'orders', stepSize: 0, sql })).rejects.toThrow(
      'expected stepSize to be a whole number from 1 on, got 0',
    );
    await expect(
      orm.em.fork().transactional((em) => batchExecute(em, { table: 'orders', stepSize: 1, sql })),
    ).rejects.toThrow('outside a transaction');
  });

  it('rejects a transactional migration', async () => {
    const migration = (transactional: boolean) => ({
      isTransactional: () => transactional,
      getEntityManager: () => orm.em.fork(),
    });
    const options = { table: 'orders', stepSize: 1_000_000, sql: () => 'SELECT 1' };

    await expect(batchExecute(migration(true), options)).rejects.toThrow(
      'isTransactional() { return false; }',
    );
    expect((await batchExecute(migration(false), options)).steps).toBe(2);
  });
});
