import { IsolationLevel } from '@mikro-orm/core';
import type { EntityManager } from '@mikro-orm/core';
import type { SqlEntityManager } from '@mikro-orm/postgresql';
import { keyset } from 'nestjs-backfill';
import { createAppBench, defineBackfill, Item } from '../../support/apps/index.js';

const ROWS = 40;
const bench = await createAppBench();
const { database } = bench;

beforeEach(() => bench.fillItems(`SELECT generate_series(1, ${ROWS})`));

/** Runs a handler, and counts how often the database aborted a transaction of it. */
async function run(transact: (item: Item, em: EntityManager) => Promise<void>) {
  let aborted = 0;
  const handler = defineBackfill<never, Item>({
    name: 'rows',
    source: keyset(Item, { orderBy: { id: 'asc' } }),
    config: {
      batchSize: ROWS,
      rowConcurrency: 8,
      attempts: 1,
      perSecondOnPeak: null,
      perSecondOffPeak: null,
    },
    processRow: async (item, { em }) => {
      try {
        await transact(item, em);
      } catch (error) {
        aborted++;
        throw error;
      }
    },
  });
  const app = await bench.start({ entities: [Item], handlers: [handler] });
  await app.backfills.start('rows');
  return { aborted: () => aborted, status: await app.finished('rows') };
}

/** In the transaction of the entity manager. */
const execute = (em: EntityManager, sql: string) => (em as SqlEntityManager).execute(sql);

async function expectAllDone({ aborted, status }: Awaited<ReturnType<typeof run>>): Promise<void> {
  expect(aborted()).toBeGreaterThan(0);
  expect(status).toMatchObject({ state: 'completed', rowsDone: ROWS, rowsFailed: 0 });
  expect(await database.query("SELECT FROM items WHERE state = 'done'")).toHaveLength(ROWS);
}

describe('transactions of row handlers that the database aborts', () => {
  it('on a serialization failure are begun again, and no attempt is used up', async () => {
    const written = new Set<number>();
    const ended = await run(({ id }, em) =>
      em.transactional(
        async (inner) => {
          await execute(inner, 'SELECT FROM items');
          if (!written.has(id)) {
            written.add(id);
            // The app writes each row once after the snapshot of the transaction.
            await database.query('UPDATE items SET touches = 1 WHERE id = $1', [id]);
          }
          await execute(inner, `UPDATE items SET state = 'done' WHERE id = ${id}`);
        },
        { isolationLevel: IsolationLevel.REPEATABLE_READ },
      ),
    );
    await expectAllDone(ended);
    expect(ended.aborted()).toBe(ROWS);
  });

  it('on a deadlock are begun again, and no attempt is used up', async () => {
    const ended = await run((item, em) =>
      em.transactional(async (inner) => {
        // Two neighbors lock each other's row.
        const neighbor = item.id % 2 === 0 ? item.id - 1 : item.id + 1;
        await execute(inner, "SET LOCAL deadlock_timeout = '20ms'");
        await execute(inner, `SELECT FROM items WHERE id = ${item.id} FOR UPDATE`);
        await execute(inner, 'SELECT pg_sleep(0.02)');
        await execute(inner, `SELECT FROM items WHERE id = ${neighbor} FOR UPDATE`);
        item.state = 'done';
      }),
    );
    await expectAllDone(ended);
  });
});
