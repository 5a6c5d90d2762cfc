import assert from 'node:assert/strict';
import { setTimeout as sleep } from 'node:timers/promises';
import { BRIEF_LOCK_MS } from '../plan.js';
import type { Arena, Outcome, Scenario } from '../scenario.js';
import { countRows, verify } from '../verify.js';

export const loadScenarios: Scenario[] = [
  { name: 'ten backfills at once', run: ten },
  { name: '100,000 outstanding, and a worker killed', run: outstanding },
  { name: 'ranges of one row', run: (arena) => simple(arena, { rows: 1_000 }, { batchSize: 1 }) },
  {
    name: 'ids with huge gaps',
    run: (arena) => simple(arena, { rows: 300, stride: 500_000 }, { batchSize: 10 }, 'touch-batch'),
  },
  { name: 'an empty table', run: empty },
  { name: 'a table emptied while its run goes on', run: emptied },
  ...['touch', 'touch-batch'].map((backfill) => ({
    name: `rows inserted and deleted at both ends (${backfill})`,
    run: (arena: Arena) => churned(arena, backfill),
  })),
];

async function ten(arena: Arena): Promise<Outcome> {
  await arena.seed({ rows: 1_000 });
  const fleet = arena.fleet({ copies: 10, handlerMs: 3 });
  const [operator] = await Promise.all([fleet.start({ workers: false }), fleet.start(), fleet.start()]);
  const names = Array.from({ length: 10 }, (_, i) => `touch-${i}`);
  await Promise.all(names.map((name) => operator.call('start', name)));
  const over = await Promise.all(names.map((name) => fleet.finished(operator, name)));
  assert(over.every(({ state, rowsDone }) => state === 'completed' && rowsDone === 1_000));
  const { untouched, most, rows } = await countRows(arena);
  assert.equal(untouched, 0);
  assert.equal(most, 10, 'once by each of the ten');
  return { faults: 0, rows: rows * 10, atLeastOnce: true, exactlyOnce: true };
}

async function outstanding(arena: Arena): Promise<Outcome> {
  await arena.seed({ rows: 100_000 });
  const fleet = arena.fleet({ lockDuration: BRIEF_LOCK_MS, handlerMs: 0 });
  const operator = await fleet.start({ workers: false });
  await operator.call('start', 'touch', {
    config: {
      batchSize: 1,
      perSecondOnPeak: 10_000,
      perSecondOffPeak: 10_000,
      duration: 60,
      maxOutstanding: 200_000,
      concurrency: 50,
    },
  });
  const worker = await fleet.start();
  await fleet.until(operator, 'touch', ({ planned }) => planned === 100_000, 90_000);
  await fleet.kill(worker);
  await operator.call('configure', 'touch', { perSecondOnPeak: null, perSecondOffPeak: null });
  await fleet.start();
  const status = await fleet.finished(operator, 'touch', 600_000);
  return verify(arena, operator, status, { faults: 1, mostTouches: 2 });
}

async function simple(
  arena: Arena,
  fill: Parameters<Arena['seed']>[0],
  config: object,
  name = 'touch',
): Promise<Outcome> {
  await arena.seed(fill);
  const fleet = arena.fleet({ handlerMs: 0 });
  const [operator] = await Promise.all([fleet.start({ workers: false }), fleet.start(), fleet.start()]);
  await operator.call('start', name, { config });
  const status = await fleet.finished(operator, name);
  return verify(arena, operator, status, { faults: 0, mostTouches: 1 });
}

async function empty(arena: Arena): Promise<Outcome> {
  await arena.seed({ rows: 0 });
  const fleet = arena.fleet();
  const [operator] = await Promise.all([fleet.start({ workers: false }), fleet.start()]);
  for (const name of ['touch', 'touch-batch', 'touch-rows']) {
    await operator.call('start', name);
    const status = await fleet.finished(operator, name, 30_000);
    assert.equal(status.state, 'completed');
    assert.equal(status.planned, 0);
  }
  return { faults: 0, rows: 0, atLeastOnce: true, exactlyOnce: true };
}

async function emptied(arena: Arena): Promise<Outcome> {
  await arena.seed({ rows: 3_000 });
  const fleet = arena.fleet({ handlerMs: 20 });
  const [operator] = await Promise.all([fleet.start({ workers: false }), fleet.start()]);
  for (const name of ['touch', 'touch-batch', 'touch-rows']) {
    await operator.call('start', name);
  }
  await fleet.until(operator, 'touch', ({ done }) => done > 5);
  await arena.sql('DELETE FROM chaos_rows');
  for (const name of ['touch', 'touch-batch', 'touch-rows']) {
    const { state, outstanding: left } = await fleet.finished(operator, name);
    assert.deepEqual([state, left], ['completed', 0]);
  }
  return { faults: 1, rows: 3_000, atLeastOnce: true, exactlyOnce: true };
}

async function churned(arena: Arena, name: string): Promise<Outcome> {
  await arena.seed({ rows: 3_000, stride: 10 });
  const fleet = arena.fleet({ handlerMs: 10 });
  const [operator] = await Promise.all([fleet.start({ workers: false }), fleet.start(), fleet.start()]);
  await operator.call('start', name);
  const churn = { over: false };
  const churning = (async () => {
    for (let i = 1; !churn.over; i++) {
      await arena.sql(`
        INSERT INTO chaos_rows (id) VALUES (${30_000 + i}), (${-i});
        DELETE FROM chaos_rows WHERE id = ${30_000 - i * 10} AND id > 27000;
        DELETE FROM chaos_rows WHERE id = ${i * 10} AND id < 3000`);
      await sleep(20);
    }
  })();
  const { state } = await fleet.finished(operator, name);
  churn.over = true;
  await churning;
  assert.equal(state, 'completed');
  const [count] = await arena.sql<{ rows: number; untouched: number; beyond: number }>(`
    SELECT count(*)::int AS rows,
           count(*) FILTER (WHERE id BETWEEN 3000 AND 27000 AND touches <> 1)::int AS untouched,
           count(*) FILTER (WHERE (id > 30000 OR id < 0) AND touches > 0)::int AS beyond
      FROM chaos_rows`);
  assert(count);
  assert.deepEqual([count.untouched, count.beyond], [0, 0]);
  return { faults: 1, rows: count.rows, atLeastOnce: true, exactlyOnce: true };
}
