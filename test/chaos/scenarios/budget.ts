import assert from 'node:assert/strict';
import { setTimeout as sleep } from 'node:timers/promises';
import { Redis } from 'ioredis';
import type { BudgetStatus } from 'nestjs-backfill';
import { excessClaims, placesOfSilent } from '../../support/budget/claim-figures.js';
import { ClaimLog } from '../../support/budget/record-claims.js';
import type { RecordedClaim } from '../../support/budget/record-claims.js';
import type { Child, Fleet } from '../fleet.js';
import type { Arena, Outcome, Scenario } from '../scenario.js';
import { countRows } from '../verify.js';

const ROWS = 600;
const COPIES = 4;
const HANDLER_MS = 40;
const LOCK_MS = 10_000;
const ROUNDS = 4;
/** It takes 15 s where the machine has nothing else to do. */
const FINISHED_MS = 600_000;
const CONCURRENCY = 5;
const PER_SECOND = 80;
/** Start times are given so many ranges ahead; a process that was late starts them together. */
const AHEAD = 5;

export const budgetScenarios: Scenario[] = [
  { name: 'budget of four runs, with kills and restarts of redis', seeds: 3, run: budget },
];

async function budget(arena: Arena): Promise<Outcome> {
  await arena.seed({ rows: ROWS });
  const plan = { copies: COPIES, lockDuration: LOCK_MS, handlerMs: HANDLER_MS, recordsClaims: true };
  const fleet = arena.fleet(plan);
  const [operator, ...workers] = await Promise.all([
    fleet.start({ workers: false }),
    fleet.start(),
    fleet.start(),
    fleet.start(),
  ]);
  const limits = { concurrency: CONCURRENCY, rangesPerSecond: PER_SECOND };
  await operator.call('configureBudget', limits, { by: 'ada' });
  const names = Array.from({ length: COPIES }, (_, i) => `touch-${i}`);
  await Promise.all(names.map((name) => operator.call('start', name, { config: { batchSize: 2 } })));
  const faults = await injectFaults(arena, fleet, operator, workers);
  const over = await Promise.all(names.map((name) => fleet.finished(operator, name, FINISHED_MS)));
  assert(over.every(({ state, rowsDone }) => state === 'completed' && rowsDone === ROWS));
  const { patch, ranges } = await settled(operator);
  assert.deepEqual(patch, limits, 'the limits that were set');
  assert.equal(ranges, 0, 'places that nobody holds');
  const claims = await claimsOf(arena);
  const most = Math.max(...claims.map(({ total }) => total));
  assert.deepEqual(excessClaims(claims, CONCURRENCY, LOCK_MS), [], `${most} places taken of ${CONCURRENCY}`);
  const beyond = placesOfSilent(claims, LOCK_MS);
  const starts = (await Promise.all(workers.map((worker) => worker.starts())))
    .flat()
    .toSorted((a, b) => a - b);
  const atOnce = busiest(starts, HANDLER_MS - 5);
  assert(atOnce <= CONCURRENCY + beyond, `${atOnce} ranges in process at once, ${CONCURRENCY} allowed`);
  const inSecond = busiest(starts, 1000);
  const allowed = Math.floor(1.02 * PER_SECOND) + AHEAD + beyond;
  assert(inSecond <= allowed, `${inSecond} ranges began within a second, ${allowed} allowed`);
  const { untouched, most: touches, rows } = await countRows(arena);
  assert.equal(untouched, 0);
  assert(touches <= COPIES * (1 + fleet.kills), `a row was handled ${touches} times`);
  return {
    faults,
    rows: rows * COPIES,
    atLeastOnce: true,
    exactlyOnce: true,
    note:
      `${fleet.kills} kills, at most ${most} places taken, ${beyond} of processes silent for longer than their lease, ` +
      `${atOnce} at once, ${inSecond} in a second`,
  };
}

/** Kills and restarts, one after each few ranges, while the runs go on; answers how many there were. */
async function injectFaults(arena: Arena, fleet: Fleet, operator: Child, workers: Child[]): Promise<number> {
  for (let round = 0; round < ROUNDS; round++) {
    const { done } = await fleet.until(operator, 'touch-0', () => true);
    // On a busy machine a process is up when the runs are over.
    const { state } = await fleet.until(
      operator,
      'touch-0',
      (status) => status.done > done + 10 || status.state !== 'running',
      FINISHED_MS,
    );
    if (state !== 'running') {
      assert(round > 0, 'a fault while the runs go on');
      return round;
    }
    if (arena.random.between(0, 1) === 0) {
      const victim = workers.shift();
      assert(victim);
      await fleet.kill(victim);
      workers.push(await fleet.start());
    } else {
      await arena.redis.restart();
    }
  }
  return ROUNDS;
}

async function claimsOf(arena: Arena): Promise<readonly RecordedClaim[]> {
  const client = new Redis(arena.redis.url);
  try {
    return await new ClaimLog({ client }, 'chaos').read();
  } finally {
    client.disconnect();
  }
}

/** The budget once leases of killed processes have expired. */
async function settled(operator: Child): Promise<BudgetStatus> {
  for (let tries = 0; ; tries++) {
    const status = await operator.call<BudgetStatus>('budget');
    if (status.ranges === 0 || tries === 100) {
      return status;
    }
    await sleep(100);
  }
}

/** Most of the times within any such window; `times` are sorted. */
function busiest(times: readonly number[], windowMs: number): number {
  let from = 0;
  return times.reduce((most, at, i) => {
    while (at - (times[from] ?? at) >= windowMs) {
      from++;
    }
    return Math.max(most, i - from + 1);
  }, 0);
}
