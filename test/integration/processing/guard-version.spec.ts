import { EntitySchema } from '@mikro-orm/core';
import { idRange, keyset } from 'nestjs-backfill';
import type { BackfillContext, BackfillGuard, IdRange } from 'nestjs-backfill';
import { createAppBench, defineBackfill } from '../../support/apps/index.js';

const ROWS = 60;

class Account {
  id!: number;
  shape!: number;
  hits!: number;
  version!: number;
}

const AccountSchema = new EntitySchema<Account>({
  class: Account,
  tableName: 'accounts',
  properties: {
    id: { type: 'integer', primary: true },
    shape: { type: 'integer' },
    hits: { type: 'integer' },
    version: { type: 'integer', version: true },
  },
});

const bench = await createAppBench();
await bench.database.query(
  'CREATE TABLE accounts (id int PRIMARY KEY, shape int NOT NULL, hits int NOT NULL, version int NOT NULL DEFAULT 1)',
);

beforeEach(async () => {
  await bench.database.query('TRUNCATE accounts');
  await bench.database.query(`INSERT INTO accounts SELECT g, 1, 0 FROM generate_series(1, ${ROWS}) g`);
});

const config = { batchSize: 20, perSecondOnPeak: null, perSecondOffPeak: null, attempts: 1 };
const HIT = 'UPDATE accounts SET hits = hits + 1, version = version + 1 WHERE id = 7';

async function run(handler: object, guard: BackfillGuard, source: object, attempts = 1) {
  const { backfills, finished } = await bench.start({
    handlers: [
      defineBackfill<never, Account>({
        name: 'reshape',
        source: source as never,
        guard,
        config: { ...config, attempts },
        ...handler,
      }),
    ],
    entities: [AccountSchema],
  });
  await backfills.start('reshape');
  const status = await finished('reshape', 60_000);
  const { items: failures } = await backfills.failures('reshape', { limit: 10 });
  return { ...status, failures };
}

const seven = async () =>
  (await bench.database.query<Account>('SELECT shape, hits, version FROM accounts WHERE id = 7'))[0];

const COMPLETED = { state: 'completed', rowsDone: ROWS, failures: [] };

describe('an entity with a version', () => {
  describe.each(['batch', 'row'] as const)('of a %s handler', (shape) => {
    it.each<[string, BackfillGuard]>([
      ['recheck', 'recheck'],
      ['{ columns }', { columns: ['hits'] }],
      ['{ columns } of others', { columns: ['shape'] }],
      ['none', 'none'],
    ])('is given to the handler again when its version has changed (guard %s)', async (_, guard) => {
      const times = new Map<number, number>();
      const handle = async (account: Account, { attempt }: BackfillContext) => {
        const count = (times.get(account.id) ?? 0) + 1;
        times.set(account.id, count);
        expect(attempt).toBe(1);
        account.shape = 2;
        account.hits += 100;
        if (account.id === 7 && count <= 2) {
          await bench.database.query(HIT);
        }
      };
      const handler =
        shape === 'row'
          ? { processRow: handle }
          : {
              processBatch: async (accounts: Account[], context: BackfillContext) => {
                for (const account of accounts) {
                  await handle(account, context);
                }
              },
            };
      const source = keyset(AccountSchema, { orderBy: { id: 'asc' }, where: { shape: 1 } });
      expect(await run(handler, guard, source)).toMatchObject(COMPLETED);
      expect(await seven()).toEqual({ shape: 2, hits: 102, version: 4 });
      expect(times.get(7)).toBe(3);
      // Without a guard nothing tells which row it was.
      expect(times.get(8)).toBe(guard === 'none' ? 3 : 1);
    });
  });

  it('uses no attempt of a range handler that flushes it', async () => {
    let calls = 0;
    const handler = {
      processRange: async ({ where }: IdRange, { em, attempt }: BackfillContext) => {
        expect(attempt).toBe(1);
        const accounts = await em.find(Account, where as object);
        accounts.forEach((account) => (account.hits += 100));
        if (accounts.some(({ id }) => id === 7) && calls++ < 2) {
          await bench.database.query(HIT);
        }
        await em.flush();
        return accounts.length;
      },
    };
    expect(await run(handler, 'none', idRange(AccountSchema), 3)).toMatchObject(COMPLETED);
    expect(await seven()).toMatchObject({ hits: 102, version: 4 });
    expect(calls).toBe(3);
  });
});
