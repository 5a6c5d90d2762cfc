import assert from 'node:assert/strict';
import { createJournalSchema } from 'nestjs-backfill';
import type { RunReceipt, UndoConflictPage } from 'nestjs-backfill';
import type { Fleet } from '../fleet.js';
import { BRIEF_LOCK_MS } from '../plan.js';
import type { Arena, Outcome, Scenario } from '../scenario.js';

const NAME = 'touch-batch';
const ROWS = 5_000;

export const undoScenarios: Scenario[] = [
  { name: 'undo: processes killed during the run and during its undo', run: undo, seeds: 3 },
];

/** A row of this id is written by the app between the run and its undo. */
const THEIRS = 777;

async function undo(arena: Arena): Promise<Outcome> {
  const sql: string[] = [];
  await createJournalSchema({ addSql: (statement) => sql.push(statement) });
  await arena.sql(sql.join('\n'));
  await arena.seed({ rows: ROWS });
  const contents = () => arena.sql('SELECT chaos_rows::text AS row FROM chaos_rows ORDER BY id');
  const before = await contents();
  const fleet = arena.fleet({ lockDuration: BRIEF_LOCK_MS, undo: true, handlerMs: 20 });
  const operator = await fleet.start({ workers: false });
  const { runId } = await operator.call<RunReceipt>('start', NAME);
  const status = await killing(arena, fleet, () => fleet.finished(operator, NAME));
  assert.equal(status.state, 'completed');
  assert.equal((await arena.sql('SELECT id FROM chaos_rows WHERE touches = 0')).length, 0);
  await arena.sql(`UPDATE chaos_rows SET touches = 1000 WHERE id = ${THEIRS}`);
  await operator.call('undo', NAME, { runId });
  const undone = await killing(arena, fleet, () => fleet.finished(operator, NAME));
  assert.equal(undone.state, 'completed');
  assert.equal(undone.undoes, runId);
  const { items } = await operator.call<UndoConflictPage>('undoConflicts', NAME);
  assert.deepEqual(
    items.map(({ key, reason }) => [key, reason]),
    [[String(THEIRS), 'changed']],
  );
  await arena.sql(`UPDATE chaos_rows SET touches = 0 WHERE id = ${THEIRS}`);
  assert.deepEqual(await contents(), before);
  return { faults: fleet.kills, rows: ROWS, atLeastOnce: true, exactlyOnce: undone.rowsDone === ROWS };
}

/** Kills a process and starts another, some times, until the work is done. */
async function killing<T>(arena: Arena, fleet: Fleet, work: () => Promise<T>): Promise<T> {
  const state = { over: false };
  const done = work().finally(() => (state.over = true));
  const kill = async () => {
    for (let kills = 0; kills < 3 && !state.over; kills++) {
      const child = await fleet.start();
      await new Promise((resolve) => {
        setTimeout(resolve, arena.random.between(100, 800));
      });
      await fleet.kill(child);
    }
    return fleet.start();
  };
  const [result, last] = await Promise.all([done, kill()]);
  await fleet.kill(last);
  return result;
}
