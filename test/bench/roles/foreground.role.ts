import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { Pool } from 'pg';
import type { BenchPlan, Role } from '../bench-plan.js';
import { KINDS } from '../foreground/latency.js';
import type { Kind, Latency, Times } from '../foreground/latency.js';
import { SlowShare } from '../foreground/slow-share.js';

const READ = 'SELECT * FROM bench_rows WHERE id = $1';
const UPDATE = 'UPDATE bench_rows SET body = body WHERE id = $1';
/**
 * What a request does, one statement after another. The time of a single one is mostly how many processes want a core in that
 * moment: beside a range it is late, and how often there are ranges hardly matters to its 95th percentile.
 */
const REQUESTS: Readonly<Record<Kind, readonly string[]>> = {
  read: repeated(READ, 20),
  update: [...repeated(READ, 16), ...repeated(UPDATE, 2)],
};
const CONNECTIONS = 16;
/** Windows of the metric, in seconds. */
const METRIC_SECONDS = [4, 20];
/** With fewer requests in a window, the metric says nothing. */
const ENOUGH = 20;

function repeated(statement: string, times: number): string[] {
  return Array.from({ length: times }, () => statement);
}

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
 * Production traffic: requests of point reads and updates at a fixed rate, whatever the database does (open loop). The latency
 * of each counts from the time at which it was meant to begin, so that a stall is not hidden by fewer requests (coordinated omission).
 */
export async function open(plan: BenchPlan): Promise<Role> {
  const pool = await openPool(plan.databaseUrl);
  let times: Record<Kind, number[]> = { read: [], update: [] };
  const recent = new SlowShare(METRIC_SECONDS);
  let limit: Latency | null = null;
  let perSecond = 0;
  let rows = 1;

  const send = async (intended: number, turn: number) => {
    const kind = KINDS[turn % KINDS.length] ?? 'read';
    for (const statement of REQUESTS[kind]) {
      await pool.query(statement, [1 + Math.floor(Math.random() * rows)]);
    }
    const endedAt = performance.now();
    const ms = endedAt - intended;
    times[kind].push(ms);
    if (limit) {
      recent.record({ kind, endedAt, ms }, limit);
    }
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

  const server = createServer((_, response) => {
    response
      .setHeader('content-type', 'application/json')
      .end(JSON.stringify({ value: recent.share(ENOUGH) ?? 0 }));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;

  return {
    /** From now on so many requests a second, half of them only read; 0: none. */
    pace: (wanted: number, ofRows: number) => {
      perSecond = wanted;
      rows = ofRows;
    },
    /** Times of what ended since the last call. */
    take: (): Times => {
      const taken = times;
      times = { read: [], update: [] };
      return taken;
    },
    /** Where a metric is, as a query of Prometheus: the share of the requests of the last seconds that were slower than a limit. */
    url: () => `http://127.0.0.1:${port}/`,
    /** The limit of that, in ms. */
    limit: (latency: Latency) => {
      limit = latency;
    },
  };
}
