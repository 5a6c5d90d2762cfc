import { IsolationLevel } from '@mikro-orm/core';
import { keyset } from 'nestjs-backfill';
import type { BackfillContext } from 'nestjs-backfill';
import { createAppBench, defineBackfill, Item } from '../../support/apps/index.js';

const ROWS = 40;
const bench = await createAppBench();
const { database } = bench;

beforeEach(() => bench.fillItems(`SELECT generate_series(1, ${ROWS})`));

async function run(processRow: (item: Item, context: BackfillContext) => Promise<void>) {
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
    processRow,
  });
  const app = await bench.start({ entities: [Item], handlers: [handler] });
  await app.backfills.start('rows');
  return { ...app, status: await app.finished('rows') };
}

const done = () => database.query("SELECT FROM items WHERE state = 'done'");

describe('transactions of row handlers that the database aborts', () => {
  it('on a serialization failure are begun again, and no attempt is used up', async () => {
    let aborted = 0;
    const { status } = await run(async (item, { em }) => {
      const transaction = em.transactional(
        async (inner) => {
          // Each reads what the others write.
          await inner
            .getConnection()
            .execute('SELECT sum(touches) FROM items', [], 'get', inner.getTransactionContext());
          item.state = 'done';
          await inner.flush();
        },
        { isolationLevel: IsolationLevel.SERIALIZABLE },
      );
      await transaction.catch((error: unknown) => {
        aborted++;
        throw error;
      });
    });
    expect(aborted).toBeGreaterThan(0);
    expect(status).toMatchObject({ state: 'completed', rowsDone: ROWS, rowsFailed: 0 });
    expect(await done()).toHaveLength(ROWS);
  });

  it('on a deadlock are begun again, and no attempt is used up', async () => {
    let aborted = 0;
    const { status } = await run(async (item, { em }) => {
      // Two neighbors lock each other's row.
      const neighbor = item.id % 2 === 0 ? item.id - 1 : item.id + 1;
      const lock = (id: number, inner: BackfillContext['em']) =>
        inner
          .getConnection()
          .execute('SELECT FROM items WHERE id = ? FOR UPDATE', [id], 'all', inner.getTransactionContext());
      const transaction = em.transactional(async (inner) => {
        await inner
          .getConnection()
          .execute("SET LOCAL deadlock_timeout = '20ms'", [], 'run', inner.getTransactionContext());
        await lock(item.id, inner);
        await inner
          .getConnection()
          .execute('SELECT pg_sleep(0.02)', [], 'run', inner.getTransactionContext());
        await lock(neighbor, inner);
        item.state = 'done';
      });
      await transaction.catch((error: unknown) => {
        aborted++;
        throw error;
      });
    });
    expect(aborted).toBeGreaterThan(0);
    expect(status).toMatchObject({ state: 'completed', rowsDone: ROWS, rowsFailed: 0 });
    expect(await done()).toHaveLength(ROWS);
  });
});
