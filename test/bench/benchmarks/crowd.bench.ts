import { setTimeout as sleep } from 'node:timers/promises';
import type { RemoteProcess } from '../../support/processes/index.js';
import type { BenchArena } from '../bench-arena.js';
import type { Benchmark, Finding } from '../benchmark.js';
import { SLOW_MS } from '../handlers.js';

const CONCURRENCY = 10;
/** Started at once: each of them loads and compiles everything. */
const GROUP = 5;
const WANTED = 0.9;

/** Many processes on one run whose ranges wait. */
export const crowd: Benchmark = {
  name: 'crowd',
  beside: 'the ideal: all places of all processes busy all the time',
  apart: true,
  async run(arena) {
    const processes = arena.size(50, 2);
    const ranges = arena.size(30_000, 100);
    const apps = await startApps(arena, processes, ranges);
    const [operator] = apps;
    if (!operator) {
      throw new Error('Expected processes, got none');
    }
    const running = operator.call<number>('run', 'slow');
    const ideal = (processes * CONCURRENCY * 1000) / SLOW_MS;
    await sleep(arena.size(10_000, 500));
    const busy = await rateOver(operator, arena.size(30_000, 1_000));
    const used = await connections(arena);
    await running;
    const processed = (await Promise.all(apps.map((app) => app.call<number[]>('slow')))).flat();
    await arena.end(...apps);
    return findings(`${processes} processes`, ranges, busy, ideal, used, processed);
  },
};

async function startApps(arena: BenchArena, processes: number, ranges: number): Promise<RemoteProcess[]> {
  const keyPrefix = arena.keyPrefix();
  const apps: RemoteProcess[] = [];
  while (apps.length < processes) {
    const group = Array.from({ length: Math.min(GROUP, processes - apps.length) }, () =>
      arena.fork({ role: 'app', keyPrefix, ranges, config: { concurrency: CONCURRENCY } }),
    );
    apps.push(...(await Promise.all(group)));
  }
  return apps;
}

/** Ranges a second. */
async function rateOver(app: RemoteProcess, ms: number): Promise<number> {
  const done = async () => (await app.call<{ done: number }>('status', 'slow')).done;
  const [before, from] = [await done(), performance.now()];
  await sleep(ms);
  return (((await done()) - before) * 1000) / (performance.now() - from);
}

interface Connections {
  readonly redis: number;
  readonly postgres: number;
}

async function connections(arena: BenchArena): Promise<Connections> {
  const clients = String(await arena.client.client('LIST'))
    .trim()
    .split('\n').length;
  const [sessions] = await arena.sql<{ count: string }>(
    `SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'client backend' AND pid <> pg_backend_pid()`,
  );
  // Without that of the benchmark.
  return { redis: clients - 1, postgres: Number(sessions?.count) };
}

function findings(
  what: string,
  ranges: number,
  busy: number,
  ideal: number,
  used: Connections,
  processed: readonly number[],
): Finding[] {
  const distinct = new Set(processed).size;
  const processes = Number.parseInt(what, 10);
  return [
    {
      name: `${what}: speed`,
      ours: busy,
      other: ideal,
      unit: 'ranges/s',
      ratio: busy / ideal,
      target: `>= ${WANTED} of the ideal`,
      met: busy / ideal >= WANTED,
      spread: null,
      note: `${CONCURRENCY} ranges at once in each, ${SLOW_MS} ms a range`,
    },
    {
      name: `${what}: ranges processed`,
      ours: distinct,
      other: ranges,
      unit: 'ranges',
      ratio: distinct / ranges,
      target: 'all of them, once',
      met: distinct === ranges && processed.length === ranges,
      spread: null,
      note: `${processed.length - distinct} more than once`,
    },
    {
      name: `${what}: connections to Redis`,
      ours: used.redis,
      other: processes * 4,
      unit: '',
      ratio: null,
      target: '<= 4 a process',
      met: used.redis <= processes * 4,
      spread: null,
      note: `${used.postgres} to PostgreSQL`,
    },
  ];
}
