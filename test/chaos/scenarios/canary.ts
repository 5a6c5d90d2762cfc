import assert from 'node:assert/strict';
import { setTimeout as sleep } from 'node:timers/promises';
import type { BackfillStatus } from 'nestjs-backfill';
import type { Child, Fleet } from '../fleet.js';
import { BRIEF_LOCK_MS } from '../plan.js';
import type { Arena, Outcome, Scenario } from '../scenario.js';
import { verify } from '../verify.js';

const ROWS = 3_000;
const PROCESSES = 4;
/** Where planning and settling cross the boundary. */
const POINTS = [
  'RangeStore.reserve:before',
  'RangeStore.reserve:after',
  'RangeQueues.add:middle',
  'RangeStore.claim:after',
  'handler:inside',
  'RangeStore.acknowledge:before',
  'RangeStore.acknowledge:after',
  'RangeStore.endCycle:before',
];

export const canaryScenarios: Scenario[] = [
  { name: 'canary: four processes with kills hand out exactly its rows', seeds: 3, run: exactRows },
];

/** Processes die at points of their own and at random, most of all once all rows of the canary are handed out. */
async function exactRows(arena: Arena): Promise<Outcome> {
  const { random } = arena;
  const name = random.pick(['touch', 'touch-batch', 'touch-rows']);
  const rows = random.between(200, 700);
  await arena.seed({ rows: ROWS, stride: random.between(1, 5) });
  const fleet = arena.fleet({ lockDuration: BRIEF_LOCK_MS, handlerMs: random.between(2, 30) });
  const operator = await fleet.start({ workers: false });
  const workers = await Promise.all(
    Array.from({ length: PROCESSES }, () => {
      const fault = random.next() < 0.7 ? { point: random.pick(POINTS), nth: random.between(1, 12) } : null;
      return fleet.start({ fault });
    }),
  );
  const perSecond = random.between(40, 120);
  await operator.call('start', name, {
    canary: { rows },
    config: {
      batchSize: random.between(3, 17),
      maxOutstanding: random.between(3, 40),
      perSecondOnPeak: perSecond,
      perSecondOffPeak: perSecond,
    },
  });

  const paused = await withKills(arena, fleet, operator, workers, name);
  // A process that would hand out more has time for it.
  await sleep(300);
  const [touched] = await arena.sql<{ rows: number; repeated: number }>(
    'SELECT count(*)::int AS rows, count(*) FILTER (WHERE touches > 1)::int AS repeated FROM chaos_rows WHERE touches > 0',
  );
  assert.equal(touched?.rows, rows, 'rows that were handed out');
  const { canary } = paused;
  assert.equal(paused.pausedBy, 'nestjs-backfill', JSON.stringify(paused));
  assert.equal(canary?.state, 'passed', JSON.stringify(paused));
  assert.deepEqual([canary.handedOut, canary.verdict?.rowsDone, paused.outstanding], [rows, rows, 0]);
  assert((canary.verdict?.rowsRepeated ?? 0) >= touched.repeated, 'rows that were handled again are counted');

  const unpaced = { perSecondOnPeak: null, perSecondOffPeak: null, batchSize: 100, maxOutstanding: 100 };
  await operator.call('configure', name, unpaced);
  await operator.call('resume', name);
  await kill(fleet, workers, random.between(0, workers.length - 1));
  const status = await fleet.finished(operator, name);
  const deaths = fleet.children.filter(({ gone }) => gone).length;
  assert.equal(status.canary?.handedOut, rows);
  const outcome = await verify(arena, operator, status, { faults: deaths, mostTouches: 1 + deaths });
  return { ...outcome, note: `canary of ${rows}, ${touched.repeated} of them repeated; ${outcome.note}` };
}

/** Replaces processes that have died, and kills others at random, until the canary has paused the run. */
async function withKills(
  { random }: Arena,
  fleet: Fleet,
  operator: Child,
  workers: Child[],
  name: string,
): Promise<BackfillStatus> {
  const deadline = performance.now() + 90_000;
  let killsLeft = 4;
  for (;;) {
    const status = await operator.call<BackfillStatus>('status', name);
    if (status.state === 'paused') {
      return status;
    }
    assert(performance.now() < deadline, `not paused: ${JSON.stringify(status)}`);
    assert(status.canary && status.canary.handedOut <= status.canary.rows, JSON.stringify(status));
    const atBoundary = status.canary.handedOut === status.canary.rows;
    if (killsLeft > 0 && random.next() < (atBoundary ? 0.4 : 0.05)) {
      killsLeft--;
      await kill(fleet, workers, random.between(0, workers.length - 1));
    }
    for (const [i, worker] of workers.entries()) {
      if (worker.gone) {
        workers[i] = await fleet.start();
      }
    }
    await sleep(random.between(10, 60));
  }
}

async function kill(fleet: Fleet, workers: Child[], at: number): Promise<void> {
  const worker = workers[at];
  if (worker && !worker.gone) {
    await fleet.kill(worker);
  }
  workers[at] = await fleet.start();
}
