import assert from 'node:assert/strict';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Arena, Outcome, Scenario } from '../scenario.js';
import { countRows, verify } from '../verify.js';

const now = () => performance.timeOrigin + performance.now();

export const controlScenarios: Scenario[] = [
  { name: 'pause under 1,000 ranges/s over two processes', run: (arena) => halt(arena, 'pause') },
  { name: 'cancel under 1,000 ranges/s over two processes', run: (arena) => halt(arena, 'cancel') },
  { name: 'a handler that ignores its signal is handed back', run: ignoresSignal },
  { name: 'SIGTERM in the middle of a run', run: terminate },
  { name: 'pause and resume twenty times', run: often },
];

async function halt(arena: Arena, action: 'pause' | 'cancel'): Promise<Outcome> {
  await arena.seed({ rows: 20_000 });
  const fleet = arena.fleet({ handlerMs: 0 });
  const [operator, first, second] = await Promise.all([
    fleet.start({ workers: false }),
    fleet.start(),
    fleet.start(),
  ]);
  await operator.call('start', 'touch', {
    config: { batchSize: 1, perSecondOnPeak: 1000, perSecondOffPeak: 1000, concurrency: 20 },
  });
  await fleet.until(operator, 'touch', ({ done }) => done > 1_000);
  await operator.call(action, 'touch');
  const returned = now();
  await sleep(3_000);
  const starts = (await Promise.all([first.starts(), second.starts()])).flat();
  const last = Math.max(...starts) - returned;
  assert(last <= 1_000, `a handler began ${last.toFixed(0)} ms after ${action} returned`);
  if (action === 'pause') {
    await operator.call('configure', 'touch', {
      perSecondOnPeak: null,
      perSecondOffPeak: null,
      batchSize: 100,
    });
    await operator.call('resume', 'touch');
    const status = await fleet.finished(operator, 'touch');
    const outcome = await verify(arena, operator, status, { faults: 1, mostTouches: 2 });
    return { ...outcome, note: `last start ${last.toFixed(0)} ms after the call returned` };
  }
  const { rows, untouched } = await countRows(arena);
  assert(untouched > 0);
  return {
    faults: 1,
    rows,
    atLeastOnce: false,
    exactlyOnce: false,
    note: `last start ${last.toFixed(0)} ms after`,
  };
}

async function ignoresSignal(arena: Arena): Promise<Outcome> {
  await arena.seed({ rows: 400 });
  const fleet = arena.fleet({ handlerMs: 8_000, ignoresSignal: true, shutdownTimeout: 1_000 });
  const [operator, first] = await Promise.all([fleet.start({ workers: false }), fleet.start()]);
  await operator.call('start', 'touch');
  await sleep(1_500);
  await operator.call('pause', 'touch');
  await sleep(2_500);
  const paused = await operator.call<{ workers: number }>('status', 'touch');
  assert.equal(paused.workers, 0, 'the worker let go of its range');
  await fleet.kill(first);
  await fleet.start({ handlerMs: 1 });
  await operator.call('resume', 'touch');
  const status = await fleet.finished(operator, 'touch');
  return verify(arena, operator, status, { faults: 2, mostTouches: 2 });
}

async function terminate(arena: Arena): Promise<Outcome> {
  await arena.seed({ rows: 2_000 });
  const fleet = arena.fleet({ handlerMs: 20 });
  const operator = await fleet.start({ workers: false });
  const first = await fleet.start();
  await operator.call('start', 'touch');
  for (let i = 0, worker = first; i < 3; i++) {
    await sleep(300);
    const next = fleet.launch();
    await worker.stop();
    await next.ready;
    worker = next;
  }
  const status = await fleet.finished(operator, 'touch');
  return verify(arena, operator, status, { faults: 3, mostTouches: 1 });
}

async function often(arena: Arena): Promise<Outcome> {
  await arena.seed({ rows: 4_000 });
  const fleet = arena.fleet({ handlerMs: 10 });
  const [operator] = await Promise.all([fleet.start({ workers: false }), fleet.start(), fleet.start()]);
  await operator.call('start', 'touch-rows');
  for (let i = 0; i < 20; i++) {
    await sleep(arena.random.between(0, 150));
    const { state } = await operator.call<{ state: string }>('status', 'touch-rows');
    if (state !== 'running') {
      break;
    }
    await operator
      .call('pause', 'touch-rows')
      .catch((error: Error) => assert.match(error.message, /completed/));
    await sleep(arena.random.between(0, 100));
    await operator
      .call('resume', 'touch-rows')
      .catch((error: Error) => assert.match(error.message, /completed/));
  }
  const status = await fleet.finished(operator, 'touch-rows');
  return verify(arena, operator, status, { faults: 20, mostTouches: 1 });
}
