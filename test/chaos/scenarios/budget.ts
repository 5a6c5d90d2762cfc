import assert from 'node:assert/strict';
import { setTimeout as sleep } from 'node:timers/promises';
import type { BudgetStatus } from 'nestjs-backfill';
import type { Child } from '../fleet.js';
import type { Arena, Outcome, Scenario } from '../scenario.js';
import { countRows } from '../verify.js';

const ROWS = 800;
const COPIES = 4;
const HANDLER_MS = 40;
const LOCK_MS = 5_000;
const ROUNDS = 4;
const CONCURRENCY = 5;
const PER_SECOND = 80;
/** Start times are given so many ranges ahead; a process that was late starts them together. */
const AHEAD = 5;

export const budgetScenarios: Scenario[] = [
  { name: 'budget of four runs, with kills and restarts of redis', seeds: 3, run: budget },
];

async function budget(arena: Arena): Promise<Outcome> {
  await arena.seed({ rows: ROWS });
  const fleet = arena.fleet({ copies: COPIES, lockDuration: LOCK_MS, handlerMs: HANDLER_MS });
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
  const watch = new AbortController();
  const watched = watchRanges(operator, watch.signal);
  for (let round = 0; round < ROUNDS; round++) {
    const { done } = await fleet.until(operator, 'touch-0', () => true);
    await fleet.until(operator, 'touch-0', (status) => status.done > done + 10);
    if (arena.random.between(0, 1) === 0) {
      const victim = workers.shift();
      assert(victim);
      await fleet.kill(victim);
      workers.push(await fleet.start());
    } else {
      await arena.redis.restart();
    }
  }
  const over = await Promise.all(names.map((name) => fleet.finished(operator, name)));
  assert(over.every(({ state, rowsDone }) => state === 'completed' && rowsDone === ROWS));
  watch.abort();
  const most = await watched;
  const starts = (await Promise.all(workers.map((worker) => worker.starts())))
    .flat()
    .toSorted((a, b) => a - b);
  const atOnce = busiest(starts, HANDLER_MS - 5);
  assert(atOnce <= CONCURRENCY, `${atOnce} ranges in process at once, ${CONCURRENCY} allowed`);
  const inSecond = busiest(starts, 1000);
  const allowed = Math.floor(1.02 * PER_SECOND) + AHEAD;
  assert(inSecond <= allowed, `${inSecond} ranges began within a second, ${allowed} allowed`);
  const { patch, ranges } = await settled(operator);
  assert.deepEqual(patch, limits, 'the limits that were set');
  assert.equal(ranges, 0, 'places that nobody holds');
  const { untouched, most: touches, rows } = await countRows(arena);
  assert.equal(untouched, 0);
  assert(touches <= COPIES * (1 + fleet.kills), `a row was handled ${touches} times`);
  return {
    faults: ROUNDS,
    rows: rows * COPIES,
    atLeastOnce: true,
    exactlyOnce: true,
    note: `${fleet.kills} kills, at most ${most} places taken, ${atOnce} at once, ${inSecond} in a second`,
  };
}

/** Most places that were taken at any time; more than there are is a failure. */
async function watchRanges(operator: Child, signal: AbortSignal): Promise<number> {
  let most = 0;
  while (!signal.aborted) {
    // Redis may be down.
    const status = await operator.call<BudgetStatus>('budget').catch(() => null);
    most = Math.max(most, status?.ranges ?? 0);
    assert(most <= CONCURRENCY, `${most} places taken of ${CONCURRENCY}`);
    await sleep(20);
  }
  return most;
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
