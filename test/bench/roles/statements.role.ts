import { Pool } from 'pg';
import type { BenchPlan, Role } from '../bench-plan.js';

/** What one would write by hand: a loop of statements over a pool. */
export async function open(plan: BenchPlan): Promise<Role> {
  let stop: () => Promise<number> = () => Promise.resolve(0);
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
    /** The same, over and over until told to stop; answers the rows a second. */
    begin: (rows: number, batch: number, lanes: number) => {
      const pool = new Pool({ connectionString: plan.databaseUrl, max: lanes });
      const from = performance.now();
      let done = 0;
      const ending = new AbortController();
      const lane = async (own: number) => {
        for (let end = own * batch; !ending.signal.aborted; end = ((end + lanes * batch - 1) % rows) + 1) {
          await pool.query('UPDATE bench_rows SET state = state + 1 WHERE id BETWEEN $1 AND $2', [
            Math.max(1, end - batch + 1),
            end,
          ]);
          done += batch;
        }
      };
      const all = Promise.all(Array.from({ length: lanes }, (_, i) => lane(i + 1)));
      stop = async () => {
        ending.abort();
        await all;
        await pool.end();
        return (done * 1000) / (performance.now() - from);
      };
    },
    end: () => stop(),
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
