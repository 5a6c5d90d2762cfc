import assert from 'node:assert/strict';
import { setTimeout as sleep } from 'node:timers/promises';
import { Redis } from 'ioredis';
import { createLedgerSchema } from 'nestjs-backfill';
import type { Fleet } from '../fleet.js';
import { BRIEF_LOCK_MS } from '../plan.js';
import type { Arena, Outcome, Scenario } from '../scenario.js';
import { verify } from '../verify.js';

const servers = { redis: { appendonly: false } };

export const ledgerScenarios: Scenario[] = [
  { name: 'redis data gone again and again, with the ledger', run: gone, seeds: 3, servers },
  { name: 'redis data gone while paused, with the ledger', run: gonePaused, servers },
  { name: 'redis data gone and every process killed, with the ledger', run: goneAndKilled, servers },
];

/** Takes everything out of Redis. */
export async function loseRedis(arena: Arena): Promise<void> {
  const client = new Redis(arena.redis.url);
  await client.flushall();
  client.disconnect();
}

/** The tables of the ledger, which an app makes by a migration. */
export async function createLedgerTables(arena: Arena): Promise<void> {
  const sql: string[] = [];
  await createLedgerSchema({ addSql: (statement) => sql.push(statement) });
  await arena.sql(sql.join('\n'));
}

async function begun(arena: Arena) {
  await createLedgerTables(arena);
  await arena.seed({ rows: 6_000, poisonEvery: 997 });
  const fleet = arena.fleet({ lockDuration: BRIEF_LOCK_MS, ledger: true, handlerMs: 25 });
  const [operator] = await Promise.all([fleet.start({ workers: false }), fleet.start(), fleet.start()]);
  const { runId } = await operator.call<{ runId: string }>('start', 'touch');
  await fleet.until(operator, 'touch', ({ done }) => done > 10);
  return { fleet, operator, runId };
}

async function gone(arena: Arena): Promise<Outcome> {
  const { fleet, operator, runId } = await begun(arena);
  let faults = 0;
  for (; faults < 3; faults++) {
    await loseRedis(arena);
    await sleep(arena.random.between(500, 2_000));
  }
  const status = await fleet.finished(operator, 'touch');
  return concluded(arena, fleet, status.runId === runId, () =>
    verify(arena, operator, status, { faults, mostTouches: 12 }),
  );
}

async function gonePaused(arena: Arena): Promise<Outcome> {
  const { fleet, operator, runId } = await begun(arena);
  await operator.call('pause', 'touch', { by: 'operator', reason: 'lunch' });
  await loseRedis(arena);
  const paused = await fleet.until(operator, 'touch', ({ state }) => state !== 'idle', 20_000);
  assert.equal(paused.state, 'paused', JSON.stringify(paused));
  await operator.call('resume', 'touch');
  const status = await fleet.finished(operator, 'touch');
  return concluded(arena, fleet, status.runId === runId, () =>
    verify(arena, operator, status, { faults: 1, mostTouches: 8 }),
  );
}

async function goneAndKilled(arena: Arena): Promise<Outcome> {
  const { fleet, runId } = await begun(arena);
  await Promise.all(fleet.children.map((child) => fleet.kill(child)));
  await loseRedis(arena);
  const [operator] = await Promise.all([fleet.start(), fleet.start(), fleet.start()]);
  const status = await fleet.finished(operator, 'touch');
  return concluded(arena, fleet, status.runId === runId, () =>
    verify(arena, operator, status, { faults: 1 + fleet.kills, mostTouches: 8 }),
  );
}

async function concluded(
  arena: Arena,
  fleet: Fleet,
  sameRun: boolean,
  verified: () => Promise<Outcome>,
): Promise<Outcome> {
  assert(sameRun, 'another run took the place of the lost one');
  assert.deepEqual(fleet.logs(/UNHANDLED/), []);
  const outcome = await verified();
  const [row] = await arena.sql<{ runs: number }>('SELECT count(*)::int AS runs FROM backfill_runs');
  assert.equal(row?.runs, 1);
  return outcome;
}
