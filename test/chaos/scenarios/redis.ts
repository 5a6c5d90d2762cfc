import assert from 'node:assert/strict';
import { setTimeout as sleep } from 'node:timers/promises';
import { Redis } from 'ioredis';
import { BRIEF_LOCK_MS } from '../plan.js';
import type { Arena, Outcome, Scenario } from '../scenario.js';
import { countRows, verify } from '../verify.js';

const ROWS = 4_000;

export const redisScenarios: Scenario[] = [
  { name: 'redis restarted with its log', run: restarted },
  { name: 'redis killed and restarted with its log', run: killed },
  { name: 'redis down for 30 s', run: (arena) => down(arena, 30_000) },
  { name: 'redis connections cut again and again', run: cut },
  { name: 'redis frozen for 5 s', run: frozen },
  { name: 'redis data gone, without a ledger', run: gone, servers: { redis: { appendonly: false } } },
  { name: 'redis out of memory', run: full },
  {
    name: 'redis with an evicting policy is warned about',
    run: evicting,
    servers: { redis: { maxmemoryPolicy: 'allkeys-lru', maxmemory: '200mb' } },
  },
];

async function begun(arena: Arena, change = {}) {
  await arena.seed({ rows: ROWS });
  const fleet = arena.fleet({ lockDuration: BRIEF_LOCK_MS, handlerMs: 25, ...change });
  const [operator] = await Promise.all([fleet.start({ workers: false }), fleet.start(), fleet.start()]);
  await operator.call('start', 'touch');
  await fleet.until(operator, 'touch', ({ done }) => done > 10);
  return { fleet, operator };
}

async function restarted(arena: Arena): Promise<Outcome> {
  const { fleet, operator } = await begun(arena);
  await arena.redis.restart();
  const status = await fleet.finished(operator, 'touch');
  assert.deepEqual(fleet.logs(/UNHANDLED/), []);
  return verify(arena, operator, status, { faults: 1, mostTouches: 2 });
}

async function killed(arena: Arena): Promise<Outcome> {
  const { fleet, operator } = await begun(arena);
  for (let i = 0; i < 3; i++) {
    await arena.redis.kill();
    await sleep(500);
    await arena.redis.restart();
    await sleep(1_000);
  }
  const status = await fleet.finished(operator, 'touch');
  return verify(arena, operator, status, { faults: 3, mostTouches: 4 });
}

async function down(arena: Arena, ms: number): Promise<Outcome> {
  const { fleet, operator } = await begun(arena);
  await arena.redis.kill();
  await sleep(ms);
  assert(
    fleet.children.every(({ gone }) => !gone),
    'a process ended while Redis was down',
  );
  await arena.redis.restart();
  const status = await fleet.finished(operator, 'touch');
  assert.deepEqual(fleet.logs(/UNHANDLED/), []);
  const lines = fleet.logs(/Redis|event stream|watchdog/).length;
  assert(lines <= 30, `${lines} lines about Redis in the logs of 3 processes`);
  return verify(arena, operator, status, { faults: 1, mostTouches: 2 });
}

async function cut(arena: Arena): Promise<Outcome> {
  const { fleet, operator } = await begun(arena);
  const client = new Redis(arena.redis.url);
  let cuts = 0;
  const cutting = (async () => {
    for (; cuts < 20; cuts++) {
      await client.call('CLIENT', 'KILL', 'TYPE', 'normal', 'SKIPME', 'yes');
      await sleep(150);
    }
  })();
  const status = await fleet.finished(operator, 'touch');
  await cutting;
  client.disconnect();
  assert.deepEqual(fleet.logs(/UNHANDLED/), []);
  return verify(arena, operator, status, { faults: cuts, mostTouches: 3 });
}

async function frozen(arena: Arena): Promise<Outcome> {
  const { fleet, operator } = await begun(arena);
  await arena.redis.pause();
  await sleep(5_000);
  await arena.redis.resume();
  const status = await fleet.finished(operator, 'touch');
  return verify(arena, operator, status, { faults: 1, mostTouches: 2 });
}

async function gone(arena: Arena): Promise<Outcome> {
  const { fleet, operator } = await begun(arena);
  const client = new Redis(arena.redis.url);
  await client.flushall();
  client.disconnect();
  const status = await fleet.until(operator, 'touch', ({ state }) => state === 'idle', 30_000);
  assert(
    status.warnings.some((warning) => /gone from Redis/.test(warning)),
    `a run that is gone is not said: ${JSON.stringify(status)}`,
  );
  await operator.call('start', 'touch');
  const over = await fleet.finished(operator, 'touch');
  assert.equal(over.state, 'completed');
  const { untouched, rows } = await countRows(arena);
  assert.equal(untouched, 0);
  return { faults: 1, rows, atLeastOnce: true, exactlyOnce: true, note: 'said, and started again' };
}

async function full(arena: Arena): Promise<Outcome> {
  const { fleet, operator } = await begun(arena);
  const client = new Redis(arena.redis.url);
  await client.config('SET', 'maxmemory', '1mb');
  const paused = await fleet.until(operator, 'touch', ({ state }) => state === 'paused', 30_000);
  assert.match(paused.stateReason ?? '', /out of memory/);
  await client.config('SET', 'maxmemory', '0');
  client.disconnect();
  await operator.call('resume', 'touch');
  const status = await fleet.finished(operator, 'touch');
  return verify(arena, operator, status, { faults: 1, mostTouches: 2 });
}

async function evicting(arena: Arena): Promise<Outcome> {
  const fleet = arena.fleet();
  await fleet.start();
  assert.equal(fleet.logs(/maxmemory-policy allkeys-lru/).length, 1, 'said once at start');
  return { faults: 1, rows: 0, atLeastOnce: false, exactlyOnce: false };
}
