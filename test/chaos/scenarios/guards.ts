import assert from 'node:assert/strict';
import { setTimeout as sleep } from 'node:timers/promises';
import { Client } from 'pg';
import type { BackfillStatus } from 'nestjs-backfill';
import { BRIEF_LOCK_MS } from '../plan.js';
import type { Arena, Outcome, Scenario } from '../scenario.js';
import { allFailures } from '../verify.js';

const DOCS = 6_000;
const WORKERS = 4;
const KILLS = 5;
/** Connections of the app, each of which writes as fast as it can. */
const WRITERS = 2;
const STRANGER_MS = 10_000;

/** An app that writes the documents of a backfill: none of its increments may be lost. */
export const guardScenarios: Scenario[] = [
  ...['recheck', 'columns', 'lock', 'versions', 'rows'].map((guard) => ({
    name: `an app writes the documents of a backfill (${guard})`,
    run: (arena: Arena) => beside(arena, `reshape-${guard}`),
  })),
  ...['recheck', 'lock'].map((guard) => ({
    name: `a stranger holds documents for ten seconds (${guard})`,
    run: (arena: Arena) => held(arena, `reshape-${guard}`),
  })),
  { name: 'an app writes the documents of a backfill without a guard', run: unguarded },
];

async function beside(arena: Arena, name: string): Promise<Outcome> {
  const { lost, status, kills, increments } = await runBeside(arena, name, KILLS);
  assert.equal(status.state, 'completed', JSON.stringify(status));
  assert.equal(status.rowsFailed, 0);
  assert.equal(lost, 0, `${lost} of ${increments} increments were lost`);
  await assertReshaped(arena, name);
  return {
    faults: kills,
    rows: DOCS,
    atLeastOnce: true,
    exactlyOnce: true,
    note: `${increments} increments`,
  };
}

/** Shows that the scenario can lose increments. */
async function unguarded(arena: Arena): Promise<Outcome> {
  const { lost, increments } = await runBeside(arena, 'reshape-none', 0);
  assert(lost > 0, `of ${increments} increments none was lost, although nothing guards them`);
  return {
    faults: 0,
    rows: DOCS,
    atLeastOnce: true,
    exactlyOnce: true,
    note: `${lost} of ${increments} lost`,
  };
}

async function runBeside(arena: Arena, name: string, kills: number) {
  await seedDocs(arena, name);
  const fleet = arena.fleet({ lockDuration: BRIEF_LOCK_MS, handlerMs: name === 'reshape-rows' ? 5 : 50 });
  const [operator, ...workers] = await Promise.all([
    fleet.start({ workers: false }),
    ...Array.from({ length: WORKERS }, () => fleet.start()),
  ]);
  const app = startApp(arena, tableOf(name));
  try {
    await operator.call('start', name);
    for (let i = 0; i < kills; i++) {
      await sleep(arena.random.between(300, 900));
      const victim = workers[i % WORKERS];
      assert(victim);
      await fleet.kill(victim);
      workers[i % WORKERS] = await fleet.start();
    }
    const status: BackfillStatus = await fleet.finished(operator, name);
    const increments = await app.stop();
    const [{ hits } = { hits: 0 }] = await arena.sql<{ hits: number }>(
      `SELECT sum((body->>'hits')::int)::int AS hits FROM ${tableOf(name)}`,
    );
    return { status, kills: fleet.kills, increments, lost: increments - hits };
  } finally {
    await app.stop();
  }
}

async function held(arena: Arena, name: string): Promise<Outcome> {
  await seedDocs(arena, name);
  const fleet = arena.fleet({ lockDuration: BRIEF_LOCK_MS, handlerMs: 5 });
  const [operator, victim] = await Promise.all([
    fleet.start({ workers: false }),
    fleet.start(),
    fleet.start(),
    fleet.start(),
  ]);
  const stranger = await arena.hold('BEGIN; SELECT 1 FROM chaos_docs WHERE id % 100 = 7 FOR UPDATE');
  const heldSince = performance.now();
  await operator.call('start', name);
  const free = DOCS - DOCS / 100;
  // The others are not held up, and no worker waits for a lock in the database.
  await fleet.until(operator, name, ({ rowsDone }) => rowsDone === free, 60_000);
  await fleet.kill(victim);
  await sleep(Math.max(0, STRANGER_MS - (performance.now() - heldSince)));
  const { state, rowsDone } = await operator.call<BackfillStatus>('status', name);
  assert.deepEqual([state, rowsDone], ['running', free], 'rows that a stranger holds are left for later');
  await stranger.release();
  const status = await fleet.finished(operator, name);
  assert.equal(status.state, 'completed', JSON.stringify(status));
  assert.equal(status.rowsDone, DOCS);
  assert.deepEqual(await allFailures(operator, name), []);
  await assertReshaped(arena, name);
  return { faults: 2, rows: DOCS, atLeastOnce: true, exactlyOnce: true };
}

async function assertReshaped(arena: Arena, name: string): Promise<void> {
  const [count] = await arena.sql<{ old: number }>(
    `SELECT count(*)::int AS old FROM ${tableOf(name)} WHERE shape <> 2 OR body->>'form' IS DISTINCT FROM 'new'`,
  );
  assert.equal(count?.old, 0, 'documents of the old form');
}

function tableOf(name: string): string {
  return name === 'reshape-versions' ? 'chaos_versioned_docs' : 'chaos_docs';
}

async function seedDocs(arena: Arena, name: string): Promise<void> {
  await arena.sql(`
    CREATE TABLE ${tableOf(name)} (id int PRIMARY KEY, shape int NOT NULL, body jsonb NOT NULL, version int NOT NULL DEFAULT 1);
    INSERT INTO ${tableOf(name)} SELECT i, 1, '{"hits": 0}' FROM generate_series(1, ${DOCS}) i;
  `);
}

/** Increments counters of random documents until it is stopped; answers how often it did. */
function startApp(arena: Arena, table: string): { stop: () => Promise<number> } {
  const stopping = new AbortController();
  let increments = 0;
  const write = async () => {
    const client = new Client({ connectionString: arena.postgres.url });
    await client.connect();
    while (!stopping.signal.aborted) {
      await client.query(
        `UPDATE ${table} SET body = jsonb_set(body, '{hits}', to_jsonb((body->>'hits')::int + 1)), version = version + 1
          WHERE id = $1`,
        [arena.random.between(1, DOCS)],
      );
      increments++;
    }
    await client.end();
  };
  const writers = Promise.all(Array.from({ length: WRITERS }, write));
  return {
    stop: async () => {
      stopping.abort();
      await writers;
      return increments;
    },
  };
}
