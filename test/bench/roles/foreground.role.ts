import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { Pool } from 'pg';
import type { BenchPlan, Role } from '../bench-plan.js';
import { KINDS, p95Of, stretchOf } from '../foreground/latency.js';
import type { Kind, Latency, Timed } from '../foreground/latency.js';
import { RecentLatency } from '../foreground/recent-latency.js';

const STATEMENTS: Readonly<Record<Kind, string>> = {
  read: 'SELECT * FROM bench_rows WHERE id = $1',
  update: 'UPDATE bench_rows SET body = body WHERE id = $1',
};
const CONNECTIONS = 16;
/** Window of the metric, in seconds. The 95th percentile of a shorter one is that of each moment in which the machine stood still. */
const METRIC_SECONDS = 6;
/** With fewer statements of a kind in the window, the metric says nothing. */
const ENOUGH = 20;

/** All its connections are open, as those of an app that has served for a while. */
async function openPool(connectionString: string): Promise<Pool> {
  const pool = new Pool({ connectionString, max: CONNECTIONS, idleTimeoutMillis: 0 });
  const clients = await Promise.all(Array.from({ length: CONNECTIONS }, () => pool.connect()));
  for (const client of clients) {
    client.release();
  }
  return pool;
}

/**
 * Production traffic: point reads and updates at a fixed rate, whatever the database does (open loop). The latency of each
 * counts from the time at which it was meant to begin, so that a stall is not hidden by fewer requests (coordinated omission).
 */
export async function open(plan: BenchPlan): Promise<Role> {
  const pool = await openPool(plan.databaseUrl);
  let times: Timed[] = [];
  const recent = new RecentLatency(METRIC_SECONDS);
  let usual: Latency | null = null;
  let perSecond = 0;
  let rows = 1;

  const send = async (intended: number, turn: number) => {
    const kind = KINDS[turn % KINDS.length] ?? 'read';
    await pool.query(STATEMENTS[kind], [1 + Math.floor(Math.random() * rows)]);
    const endedAt = performance.now();
    const timed = { kind, endedAt, ms: endedAt - intended };
    times.push(timed);
    recent.record(timed);
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

  /** What a metric of the app says, such as a query of Prometheus: the p95 of the last seconds, in multiples of the usual one. */
  const metric = (): number => {
    const latency = recent.p95(ENOUGH);
    return usual && latency ? stretchOf(latency, usual) : 0;
  };
  const server = createServer((_, response) => {
    response.setHeader('content-type', 'application/json').end(JSON.stringify({ value: metric() }));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;

  return {
    /** From now on so many statements a second, half of them reads; 0: none. */
    pace: (wanted: number, ofRows: number) => {
      perSecond = wanted;
      rows = ofRows;
    },
    /** 95th percentiles in ms of what ended since the last call. */
    take: () => {
      const latency = p95Of(times);
      times = [];
      return latency;
    },
    /** Where the metric is. */
    url: () => `http://127.0.0.1:${port}/`,
    /** What the metric is relative to. */
    usual: (latency: Latency) => {
      usual = latency;
    },
  };
}
