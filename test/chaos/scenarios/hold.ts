import assert from 'node:assert/strict';
import { setTimeout as sleep } from 'node:timers/promises';
import type { BackfillStatus, HoldReceipt } from 'nestjs-backfill';
import type { Child } from '../fleet.js';
import type { Arena, Outcome, Scenario } from '../scenario.js';
import { verify } from '../verify.js';

const ROUNDS = 3;
/** Longest that handlers may begin after the hold. */
const HELD_MS = 1_000;
const WATCHED_MS = 2_500;

export const holdScenarios: Scenario[] = [
  { name: 'hold all under load, with kills and processes that start meanwhile', run: holdAll, seeds: 1 },
];

async function holdAll(arena: Arena): Promise<Outcome> {
  await arena.seed({ rows: 24_000 });
  const fleet = arena.fleet({ handlerMs: 0, lockDuration: 5_000 });
  const [operator, ...workers] = await Promise.all([
    fleet.start({ workers: false }),
    fleet.start(),
    fleet.start(),
    fleet.start(),
  ]);
  const config = { batchSize: 1, perSecondOnPeak: 1000, perSecondOffPeak: 1000, concurrency: 20 };
  await operator.call('start', 'touch-rows', { config: { perSecondOnPeak: 0, perSecondOffPeak: 0 } });
  await operator.call('pause', 'touch-rows', { by: 'bob' });
  await operator.call('start', 'touch', { config });
  let last = -Infinity;
  for (let round = 0; round < ROUNDS; round++) {
    const { done } = await operator.call<BackfillStatus>('status', 'touch');
    await fleet.until(operator, 'touch', (status) => status.done > done + 300);
    const victim = workers.shift();
    assert(victim);
    const [{ hold }] = await Promise.all([
      operator.call<HoldReceipt>('hold', { by: 'ada', reason: `incident ${round}` }),
      sleep(arena.random.between(0, 60)).then(() => fleet.kill(victim)),
    ]);
    assert(hold);
    const late = await fleet.start();
    await sleep(WATCHED_MS);
    last = Math.max(last, ...(await startsOf(workers)).map((at) => at - Date.parse(hold.since)));
    assert(last <= HELD_MS, `a handler began ${last.toFixed(0)} ms after the hold`);
    assert.deepEqual(await late.starts(), [], 'a process that started during the hold started a range');
    const status = await operator.call<BackfillStatus>('status', 'touch');
    assert.equal(status.held?.reason, `incident ${round}`);
    assert.deepEqual([status.held.scope, status.stalled, status.warnings], ['all', null, []]);
    await operator.call('release', { by: 'ada' });
    workers.push(late);
  }
  await operator.call('configure', 'touch', {
    batchSize: 100,
    perSecondOnPeak: null,
    perSecondOffPeak: null,
  });
  const paused = await operator.call<BackfillStatus>('status', 'touch-rows');
  assert.deepEqual([paused.state, paused.pausedBy], ['paused', 'bob']);
  const status = await fleet.finished(operator, 'touch');
  const outcome = await verify(arena, operator, status, { faults: ROUNDS, mostTouches: 1 + ROUNDS });
  return { ...outcome, note: `last start ${last.toFixed(0)} ms after the hold by the clock of Redis` };
}

async function startsOf(workers: readonly Child[]): Promise<number[]> {
  return (await Promise.all(workers.map((worker) => worker.starts()))).flat();
}
