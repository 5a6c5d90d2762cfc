import type { SqlEntityManager } from '@mikro-orm/postgresql';
import { openOrm } from '../bench-orm.js';
import type { BenchPlan, Role } from '../bench-plan.js';
import { VersionedBenchRow } from '../versioned-row.entity.js';

/**
 * What one would write by hand so as to overwrite nothing that others write meanwhile: each lane walks a part of the
 * table by keyset, and before it flushes a page it locks the rows and leaves out those of which there is a newer version.
 */
export async function open(plan: BenchPlan): Promise<Role> {
  const orm = await openOrm(plan, [VersionedBenchRow]);
  return {
    loop: async (rows: number, batch: number, lanes: number) => {
      const from = performance.now();
      const part = rows / lanes;
      await Promise.all(Array.from({ length: lanes }, (_, lane) => walk(orm.em, lane * part, part, batch)));
      return performance.now() - from;
    },
  };
}

async function walk(root: SqlEntityManager, after: number, rows: number, batch: number): Promise<void> {
  let cursor = after + rows + 1;
  for (;;) {
    const em = root.fork();
    const page = await em.find(
      VersionedBenchRow,
      { id: { $lt: cursor, $gt: after } },
      { orderBy: { id: 'desc' }, limit: batch },
    );
    const last = page.at(-1);
    if (!last) {
      return;
    }
    cursor = last.id;
    for (const row of page) {
      row.state++;
    }
    await flushUnchanged(em, page);
    em.clear();
  }
}

async function flushUnchanged(em: SqlEntityManager, page: readonly VersionedBenchRow[]): Promise<void> {
  await em.begin();
  try {
    const ids = page.map(({ id }) => id).join(',');
    const locked = await em.execute<{ id: number; xmin: string }[]>(
      `select id, xmin::text from bench_rows where id in (${ids}) order by id for update`,
    );
    const versions = new Map(locked.map(({ id, xmin }) => [id, xmin]));
    for (const row of page) {
      if (versions.get(row.id) !== row.rowVersion) {
        em.getUnitOfWork().unsetIdentity(row);
      }
    }
    // Flushes first.
    await em.commit();
  } catch (error) {
    await em.rollback();
    throw error;
  }
}
