import assert from 'node:assert/strict';
import { allFailures, countRows, verify } from '../verify.js';
import type { Arena, Outcome, Scenario } from '../scenario.js';

const ROWS = 3_000;

export const poisonScenarios: Scenario[] = [
  ...['touch', 'touch-batch', 'touch-rows'].map((backfill) => ({
    name: `poison rows are isolated and retried (${backfill})`,
    run: (arena: Arena) => isolated(arena, backfill),
  })),
  { name: 'maxFailures as a count pauses the run', run: (arena) => tooMany(arena, 5) },
  { name: 'maxFailures as a share pauses the run', run: (arena) => tooMany(arena, '1%') },
  { name: 'thousands of failures are paged through', run: paged },
];

async function isolated(arena: Arena, backfill: string): Promise<Outcome> {
  await arena.seed({ rows: ROWS, poisonEvery: 73 });
  const fleet = arena.fleet({ handlerMs: 0 });
  const [operator] = await Promise.all([fleet.start({ workers: false }), fleet.start(), fleet.start()]);
  await operator.call('start', backfill);
  const status = await fleet.finished(operator, backfill);
  const outcome = await verify(arena, operator, status, { faults: Math.floor(ROWS / 73), mostTouches: 1 });

  // Half of them are mended: a retry clears those, and keeps the others once.
  await arena.sql('UPDATE chaos_rows SET poison = false WHERE poison AND id % 2 = 0');
  await operator.call('retryFailures', backfill);
  await verify(arena, operator, await fleet.finished(operator, backfill), { faults: 0, mostTouches: 1 });
  await arena.sql('UPDATE chaos_rows SET poison = false');
  await operator.call('retryFailures', backfill);
  await verify(arena, operator, await fleet.finished(operator, backfill), { faults: 0, mostTouches: 1 });
  return outcome;
}

async function tooMany(arena: Arena, maxFailures: number | string): Promise<Outcome> {
  await arena.seed({ rows: ROWS, poisonEvery: 20 });
  const fleet = arena.fleet({ handlerMs: 5 });
  const [operator] = await Promise.all([fleet.start({ workers: false }), fleet.start()]);
  await operator.call('start', 'touch-rows', { config: { maxFailures } });
  const paused = await fleet.until(operator, 'touch-rows', ({ state }) => state === 'paused');
  assert.match(paused.stateReason ?? '', /maxFailures/);
  await operator.call('configure', 'touch-rows', { maxFailures: null });
  await operator.call('resume', 'touch-rows');
  const status = await fleet.finished(operator, 'touch-rows');
  return verify(arena, operator, status, { faults: ROWS / 20, mostTouches: 1 });
}

async function paged(arena: Arena): Promise<Outcome> {
  await arena.seed({ rows: 5_000, poisonEvery: 1 });
  const fleet = arena.fleet({ handlerMs: 0 });
  const [operator] = await Promise.all([fleet.start({ workers: false }), fleet.start()]);
  // Every row fails, which would else pause the run.
  await operator.call('start', 'touch-rows', {
    config: { batchSize: 200, attempts: 1, maxInitialFailures: null },
  });
  const status = await fleet.finished(operator, 'touch-rows');
  assert.equal(status.rowsFailed, 5_000);
  const failures = await allFailures(operator, 'touch-rows');
  assert.equal(new Set(failures.map(({ key }) => JSON.stringify(key))).size, 5_000);
  const { rows } = await countRows(arena);
  return { faults: 5_000, rows, atLeastOnce: true, exactlyOnce: true };
}
