import { openOrm } from '../bench-orm.js';
import type { BenchPlan, Role } from '../bench-plan.js';
import { BENCH_ENTITIES, BenchRow } from '../bench-rows.entity.js';

/** What one would write by hand for rows one by one: loaded in batches, so many at once, and a flush for each. */
export async function open(plan: BenchPlan): Promise<Role> {
  const orm = await openOrm(plan, BENCH_ENTITIES);
  const processRow = async (row: BenchRow) => {
    // One of its own: a flush of a shared one would write the rows of the others, and wait for theirs.
    const em = orm.em.fork();
    em.merge(row);
    row.state++;
    await em.flush();
  };
  return {
    loop: async (batch: number, atOnce: number) => {
      const from = performance.now();
      let cursor: number | undefined;
      for (;;) {
        const page = await orm.em.fork().find(BenchRow, cursor === undefined ? {} : { id: { $lt: cursor } }, {
          orderBy: { id: 'desc' },
          limit: batch,
          disableIdentityMap: true,
        });
        cursor = page.at(-1)?.id;
        if (cursor === undefined) {
          return performance.now() - from;
        }
        const lane = async () => {
          for (let row = page.pop(); row; row = page.pop()) {
            await processRow(row);
          }
        };
        await Promise.all(Array.from({ length: atOnce }, lane));
      }
    },
  };
}
