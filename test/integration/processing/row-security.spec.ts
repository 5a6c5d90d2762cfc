import { helper } from '@mikro-orm/core';
import { MikroORM } from '@mikro-orm/postgresql';
import { keyset } from 'nestjs-backfill';
import { requireVisibleToUpdate } from '../../../lib/processing/guard/require-visible-to-update.js';
import { createAppBench, defineBackfill, Item } from '../../support/apps/index.js';

const ROWS = 40;
/** Of all rows that the role sees, those that it may not update. */
const HIDDEN = 10;

const bench = await createAppBench();
const role = `worker_${bench.redis.prefix.replaceAll('-', '_')}`;
const url = new URL(bench.database.url);
url.username = role;

const finish = (item: Item) => {
  item.state = 'done';
  item.touches++;
};
const base = {
  source: keyset(Item, { orderBy: { id: 'asc' }, where: { state: 'new' } }),
  config: {
    batchSize: 20,
    attempts: 2,
    backoffMs: 1,
    maxFailures: HIDDEN,
    perSecondOnPeak: null,
    perSecondOffPeak: null,
  },
};
const processBatch = (items: Item[]) => items.forEach(finish);
const handlers = [
  defineBackfill<never, Item>({ ...base, name: 'batches', processBatch }),
  defineBackfill<never, Item>({ ...base, name: 'locked-batches', guard: 'lock', processBatch }),
  defineBackfill<never, Item>({ ...base, name: 'rows', processRow: finish }),
];

beforeAll(() =>
  bench.database.query(
    `CREATE ROLE ${role} LOGIN PASSWORD '${url.password || 'none'}'; GRANT SELECT, UPDATE ON items TO ${role};
     ALTER TABLE items ENABLE ROW LEVEL SECURITY;
     CREATE POLICY see ON items FOR SELECT TO ${role} USING (id <= ${ROWS});
     CREATE POLICY write ON items FOR UPDATE TO ${role} USING (id > ${HIDDEN})`,
  ),
);
afterAll(() => bench.database.query(`DROP OWNED BY ${role}; DROP ROLE ${role}`));

describe('rows that row-level security shows to SELECT and hides from UPDATE', () => {
  it('are failures that name the policy; the others are written, and those it does not show are not counted', async () => {
    const { backfills, finished } = await bench.start({ handlers, database: { url: url.href } });
    for (const name of ['batches', 'locked-batches', 'rows']) {
      await bench.fillItems(`SELECT generate_series(1, ${2 * ROWS})`);
      await backfills.start(name);
      expect(await finished(name)).toMatchObject({
        state: 'failed',
        rowsTotal: ROWS,
        rowsDone: ROWS - HIDDEN,
        rowsFailed: HIDDEN,
      });
      const { items } = await backfills.failures(name, { limit: 2 * HIDDEN });
      expect(items).toHaveLength(HIDDEN);
      for (const { error } of items) {
        expect(error.message).toMatch(
          /^Row-level security of "items" shows 1 row to SELECT and hides it from UPDATE/,
        );
      }
      const [written] = await bench.database.query(
        `SELECT count(*)::int AS rows, min(id) AS first, max(id) AS last, max(touches) AS most FROM items WHERE state = 'done'`,
      );
      expect(written).toEqual({ rows: ROWS - HIDDEN, first: HIDDEN + 1, last: ROWS, most: 1 });
    }
  });

  it('are not those that somebody else has deleted meanwhile', async () => {
    const orm = await MikroORM.init({ clientUrl: url.href, entities: [Item] });
    try {
      await bench.fillItems([HIDDEN, ROWS - 1, ROWS]);
      const em = orm.em.fork();
      const items = await em.find(Item, {}, { orderBy: { id: 'asc' } });
      const { __meta: meta } = helper(items[0] as Item);
      await bench.database.query('DELETE FROM items WHERE id = $1', [ROWS]);
      await em.transactional((own) => requireVisibleToUpdate(own, meta, items.slice(1)));
      await expect(em.transactional((own) => requireVisibleToUpdate(own, meta, items))).rejects.toThrow(
        `hides it from UPDATE, such as the one with the primary key ${HIDDEN}.`,
      );
    } finally {
      await orm.close(true);
    }
  });
});
