import assert from 'node:assert/strict';
import { setTimeout as sleep } from 'node:timers/promises';
import { BRIEF_LOCK_MS } from '../plan.js';
import type { Arena, Outcome, Scenario } from '../scenario.js';
import { verify } from '../verify.js';

const ROWS = 1_500;

/** Where a worker dies, at which passing, and which backfill it works on. */
const WORKER_POINTS: readonly (readonly [point: string, nth: number, backfill: string, poison?: number])[] = [
  ['RangeStore.reserve:before', 1, 'touch'],
  ['RangeStore.reserve:after', 1, 'touch'],
  ['RangeQueues.add:before', 1, 'touch'],
  ['RangeQueues.add:middle', 1, 'touch-batch'],
  ['RangeQueues.add:after', 1, 'touch'],
  ['RangeStore.endCycle:before', 1, 'touch'],
  ['RangeStore.endCycle:after', 1, 'touch'],
  ['RangeStore.claim:before', 3, 'touch'],
  ['RangeStore.claim:after', 3, 'touch'],
  ['RangeExecutor.execute:before', 10, 'touch'],
  ['handler:inside', 10, 'touch'],
  ['handler:inside', 200, 'touch-rows'],
  ['RangeExecutor.execute:after', 10, 'touch'],
  ['RangeExecutor.execute:after', 10, 'touch-batch'],
  ['RangeExecutor.execute:after', 10, 'touch-rows'],
  ['RangeStore.acknowledge:before', 5, 'touch'],
  ['RangeStore.acknowledge:after', 5, 'touch'],
  ['RangeStore.settle:before', 2, 'touch-batch', 100],
  ['RangeStore.settle:after', 2, 'touch-batch', 100],
  ['RangeStore.settle:after', 4, 'touch-rows', 100],
  ['completion', 1, 'touch'],
];

/** Where the operator's process dies, and in which call. */
const OPERATOR_POINTS: readonly (readonly [point: string, call: string])[] = [
  ['RunStore.start:before', 'start'],
  ['RunStore.start:after', 'start'],
  ['RunStore.move:before', 'pause'],
  ['RunStore.move:after', 'pause'],
  ['RunStore.move:before', 'resume'],
  ['RunStore.move:after', 'resume'],
  ['FailureStore.retry:before', 'retryFailures'],
  ['FailureStore.retry:after', 'retryFailures'],
];

export const killPoints: Scenario[] = [
  ...WORKER_POINTS.map(([point, nth, backfill, poison]) => ({
    name: `kill worker at ${point} #${nth} (${backfill})`,
    run: (arena: Arena) => killWorker(arena, point, nth, backfill, poison),
  })),
  ...OPERATOR_POINTS.map(([point, call]) => ({
    name: `kill operator at ${point} in ${call}`,
    run: (arena: Arena) => killOperator(arena, point, call),
  })),
];

async function killWorker(
  arena: Arena,
  point: string,
  nth: number,
  backfill: string,
  poisonEvery = 0,
): Promise<Outcome> {
  await arena.seed({ rows: ROWS, poisonEvery });
  const fleet = arena.fleet({ lockDuration: BRIEF_LOCK_MS });
  const operator = await fleet.start({ workers: false });
  const victim = await fleet.start({ fault: { point, nth } });
  await operator.call('start', backfill);
  assert.equal(await victim.exited, 'SIGKILL', 'the fault was met');
  await fleet.start();
  const status = await fleet.finished(operator, backfill);
  return verify(arena, operator, status, { faults: 1, mostTouches: 2 });
}

async function killOperator(arena: Arena, point: string, call: string): Promise<Outcome> {
  const poison = call === 'retryFailures' ? 100 : 0;
  await arena.seed({ rows: ROWS, poisonEvery: poison });
  const fleet = arena.fleet({ handlerMs: call === 'retryFailures' ? 0 : 20 });
  const operator = await fleet.start({ workers: false });
  await fleet.start();
  const victim = await fleet.start({ workers: false, fault: { point, nth: 1 } });
  const name = 'touch-rows';
  if (call !== 'start') {
    const perSecond = call === 'pause' ? 20 : null;
    await operator.call('start', name, {
      config: { perSecondOnPeak: perSecond, perSecondOffPeak: perSecond },
    });
  }
  if (call === 'resume') {
    await operator.call('pause', name);
  }
  if (call === 'retryFailures') {
    await fleet.finished(operator, name);
    await arena.sql('UPDATE chaos_rows SET poison = false');
  }
  victim.call(call, name).catch(() => undefined);
  assert.equal(await victim.exited, 'SIGKILL', 'the fault was met');
  await sleep(300);
  await setRight(fleet, operator, name, call);
  const status = await fleet.finished(operator, name);
  return verify(arena, operator, status, { faults: 1, mostTouches: 1 });
}

/** What an operator does whose command went unanswered: gives it again, and goes on. */
async function setRight(
  fleet: ReturnType<Arena['fleet']>,
  operator: Awaited<ReturnType<ReturnType<Arena['fleet']>['start']>>,
  name: string,
  call: string,
): Promise<void> {
  const { state } = await operator.call<{ state: string }>('status', name);
  if (call === 'start' && state === 'idle') {
    await operator.call('start', name);
  }
  if (call === 'pause') {
    await operator.call('pause', name);
    await fleet.until(operator, name, (status) => status.state === 'paused');
    await operator.call('resume', name);
  }
  if (call === 'resume') {
    await operator.call('resume', name);
  }
  if (call === 'retryFailures') {
    await operator.call('retryFailures', name);
  }
}
