import assert from 'node:assert/strict';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Arena, Outcome, Scenario } from '../scenario.js';
import { verify } from '../verify.js';

const ROWS = 4_000;

export const postgresScenarios: Scenario[] = [
  { name: 'postgres down for 30 s', run: (arena) => down(arena, 30_000) },
  { name: 'postgres restarted', run: restarted },
  { name: 'postgres connections terminated again and again', run: terminated },
  { name: 'postgres deadlocks', run: (arena) => raised(arena, '40P01', 'running') },
  { name: 'postgres serialization failures', run: (arena) => raised(arena, '40001', 'running') },
  { name: 'postgres statement timeouts', run: (arena) => raised(arena, '57014', 'running') },
  { name: 'postgres disk full pauses the run', run: (arena) => raised(arena, '53100', 'paused') },
  { name: 'postgres read-only pauses the run', run: (arena) => raised(arena, '25006', 'paused') },
  { name: 'keyset boundary query times out', run: planningTimeout },
];

async function begun(arena: Arena, backfill: string) {
  await arena.seed({ rows: ROWS });
  const fleet = arena.fleet({ handlerMs: 25 });
  const [operator] = await Promise.all([fleet.start({ workers: false }), fleet.start(), fleet.start()]);
  await operator.call('start', backfill);
  await fleet.until(operator, backfill, ({ done }) => done > 10);
  return { fleet, operator };
}

async function down(arena: Arena, ms: number): Promise<Outcome> {
  const { fleet, operator } = await begun(arena, 'touch');
  await arena.postgres.kill();
  await sleep(ms);
  await arena.postgres.restart();
  const status = await fleet.finished(operator, 'touch');
  assert.deepEqual(fleet.logs(/UNHANDLED/), []);
  return verify(arena, operator, status, { faults: 1, mostTouches: 2 });
}

async function restarted(arena: Arena): Promise<Outcome> {
  const { fleet, operator } = await begun(arena, 'touch-batch');
  await arena.postgres.restart();
  const status = await fleet.finished(operator, 'touch-batch');
  return verify(arena, operator, status, { faults: 1, mostTouches: 2 });
}

async function terminated(arena: Arena): Promise<Outcome> {
  const { fleet, operator } = await begun(arena, 'touch-batch');
  for (let i = 0; i < 15; i++) {
    await arena.sql(
      "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid <> pg_backend_pid() AND backend_type = 'client backend'",
    );
    await sleep(200);
  }
  const status = await fleet.finished(operator, 'touch-batch');
  return verify(arena, operator, status, { faults: 15, mostTouches: 16 });
}

/** The server itself raises the error, for a while, for one update in three. */
async function raised(arena: Arena, code: string, expected: 'running' | 'paused'): Promise<Outcome> {
  const { fleet, operator } = await begun(arena, 'touch');
  await arena.sql(`
    CREATE FUNCTION fail() RETURNS trigger LANGUAGE plpgsql AS $$
      BEGIN
        IF random() < 0.33 THEN RAISE EXCEPTION 'injected' USING ERRCODE = '${code}'; END IF;
        RETURN NULL;
      END $$;
    CREATE TRIGGER fail BEFORE UPDATE ON chaos_rows FOR EACH STATEMENT EXECUTE FUNCTION fail()`);
  if (expected === 'paused') {
    const paused = await fleet.until(operator, 'touch', ({ state }) => state === 'paused', 30_000);
    assert.match(paused.stateReason ?? '', /injected/);
    await arena.sql('DROP TRIGGER fail ON chaos_rows');
    await operator.call('resume', 'touch');
  } else {
    await sleep(2_000);
    await arena.sql('DROP TRIGGER fail ON chaos_rows');
  }
  let status = await fleet.finished(operator, 'touch');
  if (status.state === 'failed') {
    // What failed too often in those seconds is not lost: it is retried.
    await operator.call('retryFailures', 'touch');
    status = await fleet.finished(operator, 'touch');
  }
  return verify(arena, operator, status, { faults: 1, mostTouches: 1 });
}

async function planningTimeout(arena: Arena): Promise<Outcome> {
  await arena.seed({ rows: ROWS });
  const fleet = arena.fleet();
  const operator = await fleet.start({ workers: false });
  await operator.call('start', 'touch-batch', {
    config: { batchSize: 10, perSecondOnPeak: 1000, perSecondOffPeak: 1000 },
  });
  // A lock on the table has the boundary query wait until its timeout.
  await arena.sql(`ALTER ROLE CURRENT_USER SET statement_timeout = '300ms'`);
  const lock = await arena.hold('BEGIN; LOCK TABLE chaos_rows IN ACCESS EXCLUSIVE MODE');
  await fleet.start();
  const paused = await fleet.until(operator, 'touch-batch', ({ state }) => state === 'paused', 60_000);
  assert.match(paused.stateReason ?? '', /statement timeout/);
  assert(fleet.logs(/retrying with half as many/).length >= 3, 'smaller pages were tried');
  await lock.release();
  await operator.call('resume', 'touch-batch');
  const status = await fleet.finished(operator, 'touch-batch');
  return verify(arena, operator, status, { faults: 1, mostTouches: 1 });
}
