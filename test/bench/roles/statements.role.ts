import { Pool } from 'pg';
import type { BenchPlan, Role } from '../bench-plan.js';

/** What one would write by hand: a loop of statements over a pool. */
export async function open(plan: BenchPlan): Promise<Role> {
  return {
    loop: async (rows: number, batch: number, lanes: number) => {
      const pool = new Pool({ connectionString: plan.databaseUrl, max: lanes });
      const from = performance.now();
      let next = rows;
      const lane = async () => {
        while (next > 0) {
          const end = next;
          next -= batch;
          await pool.query('UPDATE bench_rows SET state = state + 1 WHERE id BETWEEN $1 AND $2', [
            Math.max(1, end - batch + 1),
            end,
          ]);
        }
      };
      await Promise.all(Array.from({ length: lanes }, lane));
      const ms = performance.now() - from;
      await pool.end();
      return ms;
    },
    single: async () => {
      const pool = new Pool({ connectionString: plan.databaseUrl, max: 1 });
      const from = performance.now();
      await pool.query('UPDATE bench_rows SET state = state + 1');
      const ms = performance.now() - from;
      await pool.end();
      return ms;
    },
  };
}
