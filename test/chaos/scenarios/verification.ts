import assert from 'node:assert/strict';
import { setTimeout as sleep } from 'node:timers/promises';
import type { BackfillStatus } from 'nestjs-backfill';
import { LATE } from '../handlers.js';
import type { Child, Fleet } from '../fleet.js';
import { BRIEF_LOCK_MS } from '../plan.js';
import type { Arena, Outcome, Scenario } from '../scenario.js';
import { createLedgerTables, loseRedis } from './ledger.js';

const NAME = 'renew-forms';
const ROWS = 3_000;
const LATE_ROWS = 200;
/** The default: the table has more rows. */
const SAMPLE = 1_000;

/** Where a worker dies, at which passing, and the phase that it dies in. */
const KILL_POINTS: readonly (readonly [phase: string, point: string, nth: number])[] = [
  ['the walk', 'handler:inside', 30],
  ['a sweep', 'handler:sweep', 3],
  ['the sample', 'handler:sample', 420],
];

export const verificationScenarios: Scenario[] = [
  ...KILL_POINTS.map(([phase, point, nth]) => ({
    name: `kill worker in ${phase} of a verified run`,
    run: (arena: Arena) => killWorker(arena, point, nth),
  })),
  { name: 'kills in all phases of a verified run', run: killsAtRandom, seeds: 5 },
  { name: 'pause and resume in all phases of a verified run', run: pausesAtRandom, seeds: 2 },
  {
    name: 'redis data gone while a run is verified, with the ledger',
    run: redisGone,
    seeds: 3,
    servers: { redis: { appendonly: false } },
  },
  { name: 'an app that never stops to write the old form', run: neverStops },
];

async function killWorker(arena: Arena, point: string, nth: number): Promise<Outcome> {
  await seedForms(arena);
  const fleet = arena.fleet({ lockDuration: BRIEF_LOCK_MS });
  const operator = await fleet.start({ workers: false });
  const victim = await fleet.start({ fault: { point, nth } });
  await operator.call('start', NAME);
  await insertLate(arena, LATE_ROWS);
  assert.equal(await victim.exited, 'SIGKILL', 'the fault was met');
  await fleet.start();
  const status = await fleet.finished(operator, NAME);
  return verified(arena, status, { faults: 1, late: LATE_ROWS, mostTouches: 2 });
}

async function killsAtRandom(arena: Arena): Promise<Outcome> {
  await seedForms(arena);
  const fleet = arena.fleet({ lockDuration: BRIEF_LOCK_MS, handlerMs: 20 });
  const [operator, ...workers] = await Promise.all([
    fleet.start({ workers: false }),
    fleet.start(),
    fleet.start(),
  ]);
  await operator.call('start', NAME);
  await insertLate(arena, LATE_ROWS);
  while (isActive(await operator.call<BackfillStatus>('status', NAME))) {
    await sleep(arena.random.between(300, 1_500));
    const victim = workers.shift();
    assert(victim);
    const next = fleet.launch();
    workers.push(next);
    await fleet.kill(victim);
    await next.ready;
  }
  const status = await fleet.finished(operator, NAME);
  return verified(arena, status, { faults: fleet.kills, late: LATE_ROWS, mostTouches: 1 + fleet.kills });
}

async function pausesAtRandom(arena: Arena): Promise<Outcome> {
  await seedForms(arena);
  const fleet = arena.fleet({ handlerMs: 20 });
  const [operator] = await Promise.all([fleet.start({ workers: false }), fleet.start(), fleet.start()]);
  await operator.call('start', NAME);
  await insertLate(arena, LATE_ROWS);
  let pauses = 0;
  for (; isActive(await operator.call<BackfillStatus>('status', NAME)); pauses++) {
    await sleep(arena.random.between(50, 300));
    await unlessOver(operator.call('pause', NAME));
    await sleep(arena.random.between(0, 100));
    await unlessOver(operator.call('resume', NAME));
  }
  const status = await fleet.finished(operator, NAME);
  return verified(arena, status, { faults: pauses, late: LATE_ROWS, mostTouches: 2 });
}

async function redisGone(arena: Arena): Promise<Outcome> {
  await createLedgerTables(arena);
  await seedForms(arena);
  const fleet = arena.fleet({ lockDuration: BRIEF_LOCK_MS, ledger: true, handlerMs: 20 });
  const [operator] = await Promise.all([fleet.start({ workers: false }), fleet.start(), fleet.start()]);
  const { runId } = await operator.call<{ runId: string }>('start', NAME);
  // Slowly, so that the phases last long enough to be met.
  await operator.call('configure', NAME, { perSecondOnPeak: 40, perSecondOffPeak: 40 });
  await insertLate(arena, LATE_ROWS);
  await fleet.until(operator, NAME, ({ state }) => state === 'verifying' || state === 'completed');
  await sleep(arena.random.between(0, 700));
  await loseRedis(arena);
  const status = await fleet.finished(operator, NAME);
  assert.equal(status.runId, runId, 'another run took the place of the lost one');
  return verified(arena, status, { faults: 1, late: null, mostTouches: 8 });
}

async function neverStops(arena: Arena): Promise<Outcome> {
  await seedForms(arena);
  const fleet = arena.fleet();
  const [operator] = await Promise.all([fleet.start({ workers: false }), fleet.start(), fleet.start()]);
  await operator.call('start', NAME);
  const status = await insertingUntilOver(arena, fleet, operator);
  assert.equal(status.state, 'failed', JSON.stringify(status));
  assert.match(
    String(status.stateReason),
    /the app still writes the old form: (?:at least )?[\d,]+ rows in the last \d+/,
    JSON.stringify(status),
  );
  return { faults: 0, rows: status.rowsDone, atLeastOnce: false, exactlyOnce: false };
}

async function insertingUntilOver(arena: Arena, fleet: Fleet, operator: Child): Promise<BackfillStatus> {
  const over = new AbortController();
  const app = (async () => {
    while (!over.signal.aborted) {
      await insertLate(arena, 20);
    }
  })();
  try {
    return await fleet.finished(operator, NAME);
  } finally {
    over.abort();
    await app;
  }
}

/** Fills the table with rows in the old form; no key is below that of a late row. */
async function seedForms(arena: Arena): Promise<void> {
  await arena.sql(`
    DROP TABLE IF EXISTS chaos_forms;
    CREATE TABLE chaos_forms (id uuid PRIMARY KEY, form int NOT NULL DEFAULT 1, touches int NOT NULL DEFAULT 0);
    INSERT INTO chaos_forms (id)
      SELECT ('1' || substr(gen_random_uuid()::text, 2))::uuid FROM generate_series(1, ${ROWS});
  `);
}

/** Inserts rows in the old form before all others, as an app does whose new code is not deployed everywhere. */
async function insertLate(arena: Arena, rows: number): Promise<void> {
  await arena.sql(`
    INSERT INTO chaos_forms (id)
      SELECT ('${LATE}' || substr(gen_random_uuid()::text, 9))::uuid FROM generate_series(1, ${rows})`);
}

function isActive({ state }: BackfillStatus): boolean {
  return state === 'running' || state === 'verifying' || state === 'paused';
}

async function unlessOver(call: Promise<unknown>): Promise<void> {
  await call.catch((error: Error) => assert.match(error.message, /completed/));
}

/** Holds a verified run against the table. `late`: rows that a sweep has done; `null`: any number. */
async function verified(
  arena: Arena,
  status: BackfillStatus,
  { faults, late, mostTouches }: { faults: number; late: number | null; mostTouches: number },
): Promise<Outcome> {
  const [count] = await arena.sql<{ rows: number; old: number; most: number; repeated: number }>(`
    SELECT count(*)::int AS rows, count(*) FILTER (WHERE form = 1)::int AS old, max(touches) AS most,
           count(*) FILTER (WHERE touches > 1)::int AS repeated
      FROM chaos_forms`);
  assert(count);
  assert.equal(status.state, 'completed', JSON.stringify(status));
  assert.equal(count.old, 0, `${count.old} rows are in the old form`);
  assert(count.most <= mostTouches, `a row was handled ${count.most} times, at most ${mostTouches} allowed`);
  assert.equal(status.outstanding, 0);
  assert.equal(status.planned, status.done + status.failed, 'planned = done + failed');
  const { verified: found } = status;
  assert.equal(found?.left, 0, JSON.stringify(found));
  assert.deepEqual([found.sampled, found.mismatched], [SAMPLE, 0], JSON.stringify(found));
  assert(late === null || found.swept === late, `${found.swept} rows were swept, ${late} expected`);
  return {
    faults,
    rows: count.rows,
    atLeastOnce: true,
    exactlyOnce: true,
    note: `${count.repeated} repeated`,
  };
}
