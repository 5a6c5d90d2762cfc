import type { SqlEntityManager } from '@mikro-orm/postgresql';
import { openOrm } from '../bench-orm.js';
import type { BenchPlan, Role } from '../bench-plan.js';
import { BENCH_ENTITIES, BenchNote, BenchRow } from '../bench-rows.entity.js';

/** What one would write by hand: a fork a batch, find, change, flush. */
export async function open(plan: BenchPlan): Promise<Role> {
  const orm = await openOrm(plan, BENCH_ENTITIES);
  const loopWith =
    (handle: (row: BenchRow, em: SqlEntityManager) => void) =>
    async (rows: number, batch: number, lanes: number) => {
      const from = performance.now();
      let next = rows;
      const lane = async () => {
        while (next > 0) {
          const end = next;
          next -= batch;
          const em = orm.em.fork();
          const found = await em.find(
            BenchRow,
            { id: { $gte: end - batch + 1, $lte: end } },
            { orderBy: { id: 'desc' } },
          );
          for (const row of found) {
            handle(row, em);
          }
          await em.flush();
          em.clear();
        }
      };
      await Promise.all(Array.from({ length: lanes }, lane));
      return performance.now() - from;
    };
  return {
    loop: loopWith((row) => {
      row.state++;
    }),
    relatedLoop: loopWith((row, em) => {
      em.create(BenchNote, { row, body: row.body });
    }),
  };
}
