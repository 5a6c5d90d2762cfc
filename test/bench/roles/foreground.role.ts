import { setTimeout as sleep } from 'node:timers/promises';
import { Pool } from 'pg';
import type { BenchPlan, Role } from '../bench-plan.js';
import { quantile } from '../statistics.js';

/** Production traffic: point reads and updates, a few at once, with a pause after each. */
export async function open(plan: BenchPlan): Promise<Role> {
  const pool = new Pool({ connectionString: plan.databaseUrl, max: 4 });
  const statements = {
    read: 'SELECT * FROM bench_rows WHERE id = $1',
    update: 'UPDATE bench_rows SET body = body WHERE id = $1',
  };
  return {
    /** 95th percentiles in ms of reads and of updates during so many ms. */
    measure: async (rows: number, ms: number) => {
      const times: Record<keyof typeof statements, number[]> = { read: [], update: [] };
      const until = performance.now() + ms;
      const client = async (kind: keyof typeof statements) => {
        while (performance.now() < until) {
          const began = performance.now();
          await pool.query(statements[kind], [1 + Math.floor(Math.random() * rows)]);
          times[kind].push(performance.now() - began);
          await sleep(10);
        }
      };
      await Promise.all([client('read'), client('read'), client('update'), client('update')]);
      return { read: quantile(times.read, 0.95), update: quantile(times.update, 0.95) };
    },
  };
}
