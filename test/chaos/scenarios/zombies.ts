import assert from 'node:assert/strict';
import { setTimeout as sleep } from 'node:timers/promises';
import { BRIEF_LOCK_MS } from '../plan.js';
import type { Arena, Outcome, Scenario } from '../scenario.js';
import { countRows, verify } from '../verify.js';

const ROWS = 3_000;

export const zombieScenarios: Scenario[] = [
  { name: 'a worker stopped for longer than its lock, then woken', run: stopped },
  { name: 'two schedulers plan one run', run: twoSchedulers },
  { name: 'ten starts at once make one run', run: tenStarts },
  { name: 'a cancelled run does nothing more, and another starts at once', run: cancelled },
  { name: 'a handler removed from the code leaves its run waiting', run: removed },
  { name: 'a changed version is reported', run: version },
];

async function stopped(arena: Arena): Promise<Outcome> {
  await arena.seed({ rows: ROWS });
  const fleet = arena.fleet({ lockDuration: BRIEF_LOCK_MS, handlerMs: 100 });
  const [operator, victim] = await Promise.all([fleet.start({ workers: false }), fleet.start()]);
  await operator.call('start', 'touch');
  await fleet.until(operator, 'touch', ({ done }) => done > 5);
  victim.signal('SIGSTOP');
  await fleet.start();
  await sleep(6_000);
  victim.signal('SIGCONT');
  const status = await fleet.finished(operator, 'touch');
  return verify(arena, operator, status, { faults: 1, mostTouches: 2 });
}

async function twoSchedulers(arena: Arena): Promise<Outcome> {
  await arena.seed({ rows: ROWS });
  const fleet = arena.fleet({ handlerMs: 2 });
  const [operator, first, second] = await Promise.all([
    fleet.start({ workers: false }),
    fleet.start(),
    fleet.start(),
  ]);
  await operator.call('start', 'touch', {
    config: { batchSize: 5, perSecondOnPeak: 200, perSecondOffPeak: 200, duration: 1 },
  });
  // Every change of the config has the cycle come at once, from several processes.
  for (let i = 0; i < 30; i++) {
    const config = { duration: 1 + (i % 3) };
    await Promise.all([operator, first, second].map((child) => child.call('configure', 'touch', config)));
    await sleep(30);
  }
  const status = await fleet.finished(operator, 'touch');
  return verify(arena, operator, status, { faults: 90, mostTouches: 1 });
}

async function tenStarts(arena: Arena): Promise<Outcome> {
  await arena.seed({ rows: ROWS });
  const fleet = arena.fleet();
  const children = await Promise.all(Array.from({ length: 5 }, () => fleet.start()));
  const answers = await Promise.allSettled(
    [...children, ...children].map((child) => child.call<{ runId: string }>('start', 'touch')),
  );
  const begun = answers.filter(({ status }) => status === 'fulfilled');
  assert.equal(begun.length, 1, `${begun.length} of ten starts were granted`);
  const [operator] = children;
  assert(operator);
  const status = await fleet.finished(operator, 'touch');
  assert.equal((await operator.call<unknown[]>('runs', 'touch')).length, 1);
  return verify(arena, operator, status, { faults: 9, mostTouches: 1 });
}

async function cancelled(arena: Arena): Promise<Outcome> {
  await arena.seed({ rows: ROWS });
  const fleet = arena.fleet({ lockDuration: BRIEF_LOCK_MS, handlerMs: 30 });
  const [operator] = await Promise.all([fleet.start({ workers: false }), fleet.start(), fleet.start()]);
  await operator.call('start', 'touch');
  await fleet.until(operator, 'touch', ({ done }) => done > 5);
  await operator.call('cancel', 'touch');
  await operator.call('start', 'touch');
  const status = await fleet.finished(operator, 'touch');
  assert.equal(status.state, 'completed');
  assert.equal(status.rowsDone, ROWS);
  const { untouched, most } = await countRows(arena);
  assert.equal(untouched, 0);
  assert(most <= 2, 'once by each run at most');
  return { faults: 1, rows: ROWS, atLeastOnce: true, exactlyOnce: true };
}

async function removed(arena: Arena): Promise<Outcome> {
  await arena.seed({ rows: ROWS });
  const fleet = arena.fleet({ lockDuration: BRIEF_LOCK_MS, handlerMs: 30 });
  const [operator, worker] = await Promise.all([fleet.start({ workers: false }), fleet.start()]);
  await operator.call('start', 'touch');
  await fleet.until(operator, 'touch', ({ done }) => done > 5);
  await fleet.kill(worker);
  const without = await fleet.start({ removed: ['touch'] });
  await sleep(4_000);
  const waiting = await without.call<{ state: string; failed: number; warnings: string[] }>(
    'status',
    'touch',
  );
  assert.equal(waiting.state, 'running');
  assert.equal(waiting.failed, 0);
  assert(
    waiting.warnings.some((warning) => /no handler/i.test(warning)),
    `the lack of a handler is not said: ${JSON.stringify(waiting)}`,
  );
  await fleet.start();
  const status = await fleet.finished(operator, 'touch');
  return verify(arena, operator, status, { faults: 1, mostTouches: 2 });
}

async function version(arena: Arena): Promise<Outcome> {
  await arena.seed({ rows: 500 });
  const fleet = arena.fleet({ handlerMs: 5, version: '1' });
  const operator = await fleet.start({ workers: false });
  await operator.call('start', 'touch');
  const newer = await fleet.start({ version: '2', workers: false });
  const { warnings } = await newer.call<{ warnings: string[] }>('status', 'touch');
  assert(
    warnings.some((warning) => /version 1/.test(warning)),
    'a changed version is not said',
  );
  await fleet.start({ version: '2' });
  const status = await fleet.finished(operator, 'touch');
  return verify(arena, operator, status, { faults: 1, mostTouches: 1 });
}
