import { setTimeout as sleep } from 'node:timers/promises';
import { Pool } from 'pg';
import type { BenchPlan, Role } from '../bench-plan.js';
import { quantile } from '../statistics.js';

const STATEMENTS = [
  ['read', 'SELECT * FROM bench_rows WHERE id = $1'],
  ['update', 'UPDATE bench_rows SET body = body WHERE id = $1'],
] as const;

type Kind = (typeof STATEMENTS)[number][0];

/**
 * Production traffic: point reads and updates at a fixed rate, whatever the database does (open loop). The latency of each
 * counts from the time at which it was meant to begin, so that a stall is not hidden by fewer requests (coordinated omission).
 */
export async function open(plan: BenchPlan): Promise<Role> {
  const pool = new Pool({ connectionString: plan.databaseUrl, max: 16 });
  let times: { readonly kind: Kind; readonly ms: number }[] = [];
  let perSecond = 0;
  let rows = 1;

  const send = async (intended: number, turn: number) => {
    const [kind, sql] = STATEMENTS[turn % 2] ?? STATEMENTS[0];
    await pool.query(sql, [1 + Math.floor(Math.random() * rows)]);
    times.push({ kind, ms: performance.now() - intended });
  };
  const flow = async () => {
    let next = performance.now();
    for (let turn = 0; ; turn++) {
      if (perSecond === 0) {
        await sleep(20);
        next = performance.now();
        continue;
      }
      const wait = next - performance.now();
      if (wait > 1) {
        await sleep(wait);
      }
      void send(next, turn);
      next += 1000 / perSecond;
    }
  };
  void flow();

  const p95 = (kind: Kind) =>
    quantile(
      times.filter((each) => each.kind === kind).map(({ ms }) => ms),
      0.95,
    );
  return {
    /** From now on so many statements a second, half of them reads; 0: none. */
    pace: (wanted: number, ofRows: number) => {
      perSecond = wanted;
      rows = ofRows;
    },
    /** 95th percentiles in ms of what ended since the last call. */
    take: () => {
      const latency = { read: p95('read'), update: p95('update') };
      times = [];
      return latency;
    },
  };
}
