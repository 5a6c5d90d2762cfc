import { setTimeout as sleep } from 'node:timers/promises';
import type { BenchArena } from '../bench-arena.js';
import { createTables, fillRows } from '../bench-tables.js';
import type { Benchmark, Finding } from '../benchmark.js';
import { bootRegistered, startRegistered } from '../registered-app.js';
import { median } from '../statistics.js';

/** Of a core, for so many backfills of which none runs. */
const MOST_CORE = 0.005;
const MOST_BOOT_MS = 1;

/** What backfills cost an app that has their handlers and runs few of them, or none. */
export const registered: Benchmark = {
  name: 'registered',
  beside: 'the same app with one backfill',
  apart: true,
  async run(arena) {
    await Promise.all([fillRows(arena, 10_000), createTables(arena, 'ledger')]);
    const one = await measure(arena, 1, 0);
    const sizes = arena.smoke
      ? ([[10, 2]] as const)
      : ([
          [1_000, 0],
          [200, 30],
        ] as const);
    const findings: Finding[] = [];
    for (const [backfills, running] of sizes) {
      findings.push(...costsOf(await measure(arena, backfills, running), one));
    }
    return findings;
  },
};

interface Costs {
  readonly backfills: number;
  readonly running: number;
  readonly bootMs: number;
  /** Connections to each server. */
  readonly redis: number;
  readonly postgres: number;
  /** Keys in Redis. */
  readonly keys: number;
  /** Share of a core while nobody asks for anything. */
  readonly cpu: number;
}

async function measure(arena: BenchArena, backfills: number, running: number): Promise<Costs> {
  await arena.client.flushall();
  const boots: number[] = [];
  const boot = async () => {
    const booted = await bootRegistered(arena, backfills);
    boots.push(await booted.call<number>('bootMs'));
    return booted;
  };
  for (let round = 1; round < arena.size(3, 1); round++) {
    await arena.end(await boot());
  }
  const app = await boot();
  await startRegistered(app, running);
  await sleep(arena.size(5_000, 200));
  const [cpu, from] = [await app.call<number>('cpu'), performance.now()];
  await sleep(arena.size(20_000, 500));
  const share = ((await app.call<number>('cpu')) - cpu) / (performance.now() - from) / 1000;
  const clients = String(await arena.client.client('LIST'))
    .trim()
    .split('\n').length;
  const [sessions] = await arena.sql<{ count: string }>(
    `SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'client backend' AND pid <> pg_backend_pid()`,
  );
  const costs = {
    backfills,
    running,
    bootMs: median(boots),
    // Without that of the benchmark.
    redis: clients - 1,
    postgres: Number(sessions?.count),
    keys: await arena.client.dbsize(),
    cpu: share,
  };
  await arena.end(app);
  return costs;
}

function costsOf(costs: Costs, one: Costs): Finding[] {
  const what = `${costs.backfills} registered, ${costs.running} running`;
  const more = Math.max(1, costs.backfills - one.backfills);
  const line = (name: string, ours: number, other: number, unit: string, target: string, met: boolean) => ({
    name: `${what}: ${name}`,
    ours,
    other,
    unit,
    ratio: null,
    target,
    met,
    spread: null,
  });
  const { running } = costs;
  const bootMs = (costs.bootMs - one.bootMs) / more;
  const core = costs.cpu - one.cpu;
  return [
    line(
      'boot',
      costs.bootMs,
      one.bootMs,
      'ms',
      `<= ${MOST_BOOT_MS} ms more a backfill`,
      bootMs <= MOST_BOOT_MS,
    ),
    line(
      'connections to Redis',
      costs.redis,
      one.redis,
      '',
      running === 0 ? 'no more' : '<= 2 a running one',
      costs.redis <= one.redis + 2 * running,
    ),
    line(
      'connections to PostgreSQL',
      costs.postgres,
      one.postgres,
      '',
      '<= its pool of 10',
      costs.postgres <= 10,
    ),
    line(
      'keys in Redis',
      costs.keys,
      one.keys,
      '',
      running === 0 ? 'no more' : 'none: to see',
      running > 0 || costs.keys <= one.keys,
    ),
    line(
      'CPU',
      costs.cpu * 100,
      one.cpu * 100,
      '% of a core',
      running === 0 ? `<= ${MOST_CORE * 100} % more` : 'none: to see',
      running > 0 || core <= MOST_CORE,
    ),
  ];
}
