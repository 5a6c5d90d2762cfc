import { BackfillKeys } from '../../../lib/redis/backfill-keys.js';
import { createAppBench, defineBackfill, eventually, numbers } from '../../support/apps/index.js';
import type { BackfillApp } from '../../support/apps/index.js';
import { startBudgetProcess } from './budget-process.js';
import type { Begun, BudgetProcess } from './budget-process.js';

const PROCESSES = 4;
const LOCK_MS = 10_000;
/** Of a run with a weight of 1. */
const RANGES = 12;

const bench = await createAppBench();
const running: BudgetProcess[] = [];

/** An app without workers, and four processes that work on a backfill for each weight. */
async function fleet(weights: readonly number[], rangeMs: number): Promise<BackfillApp> {
  const handlers = weights.map((weight, run) =>
    defineBackfill({ name: `run-${run}`, weight, source: numbers(100_000), processRange: () => undefined }),
  );
  const operator = await bench.start({ handlers, options: { workers: false, lockDuration: LOCK_MS } });
  const { database, redis } = bench;
  const options = { keyPrefix: bench.keyPrefix(), lockDuration: LOCK_MS, shutdownTimeout: 5_000 };
  running.push(
    ...(await Promise.all(
      Array.from({ length: PROCESSES }, () =>
        startBudgetProcess({ database, redis, options, weights, rangeMs }),
      ),
    )),
  );
  return operator;
}

const begun = (): Begun[] => running.flatMap((child) => child.begun).toSorted((a, b) => a.at - b.at);

afterEach(async () => {
  running.forEach((child) => child.signal('SIGKILL'));
  await Promise.all(running.splice(0).map(({ gone }) => gone));
});

it('ten runs of four processes share a budget by weight, exceed it in no second, and none starves', async () => {
  const weights = [1, 1, 1, 1, 1, 2, 2, 3, 4, 4];
  const total = weights.reduce((sum, weight) => sum + weight, 0);
  const perSecond = 20;
  const { backfills } = await fleet(weights, 5);
  await backfills.configureBudget({ rangesPerSecond: perSecond });
  for (const run of weights.keys()) {
    await backfills.start(`run-${run}`);
  }
  await eventually(
    'each run to begin',
    () => new Set(begun().map(({ run }) => run)).size,
    (runs) => runs === weights.length,
  );
  const first = begun().length + perSecond;
  await eventually(
    'ranges',
    () => begun().length,
    (ranges) => ranges >= first + RANGES * total,
  );
  const starts = begun();
  // A busy machine begins ranges late and never early, so there are never more than the time since the first allows; what
  // each second has is tested with simulated time.
  const [{ at: from } = { at: 0 }] = starts;
  const early = starts.filter(({ at }, i) => i > 1 + (1.02 * perSecond * (at - from + 2)) / 1000);
  expect(early).toEqual([]);
  const shared = starts.slice(first, first + RANGES * total);
  process.stderr.write(
    JSON.stringify(weights.map((w, r) => [w, shared.filter((e) => e.run === r).length])) + '\n',
  );
  for (const [run, weight] of weights.entries()) {
    const given = shared.filter((each) => each.run === run).length;
    expect(Math.abs(given - RANGES * weight)).toBeLessThanOrEqual(Math.max(RANGES * weight * 0.05, 2));
    const places = shared.flatMap((each, i) => (each.run === run ? [i] : []));
    const gaps = [...places.slice(1), shared.length].map((place, i) => place - (places[i] ?? 0));
    expect(Math.max(...gaps)).toBeLessThanOrEqual((4 * total) / weight);
  }
});

it('the places of a process that is killed are free again once its lease has ended', async () => {
  const operator = await fleet([1, 1], 60_000);
  const { backfills } = operator;
  await backfills.configureBudget({ concurrency: 8 });
  await backfills.start('run-0');
  await backfills.start('run-1');
  const holders = () => running.filter((child) => child.begun.length > 0);
  await eventually(
    'all places to be taken',
    () => begun().length,
    (ranges) => ranges === 8,
  );
  const [victim] = holders();
  const lost = victim?.begun.length ?? 0;
  expect(lost).toBeGreaterThan(0);
  const { client } = bench.redis;
  const [, leases] = new BackfillKeys(bench.keyPrefix()).budgetPermits('default');
  victim?.signal('SIGKILL');
  await victim?.gone;
  const [seconds, micros] = await client.time();
  const killedAt = Number(seconds) * 1000 + Number(micros) / 1000;
  // By the clock of Redis: those of the living are renewed, the ones of the dead are never later.
  const before = await client.zrange(leases, '0', '-1', 'WITHSCORES');
  await eventually(
    'the others to take its places',
    () => begun().length,
    (ranges) => ranges >= 8 + lost,
  );
  expect(begun()).toHaveLength(8 + lost);
  expect(await backfills.budget()).toMatchObject({ ranges: 8 });
  const after = new Set(await client.zrange(leases, '0', '-1'));
  const ended = before.flatMap((member, i) =>
    i % 2 === 0 && !after.has(member) ? [Number(before[i + 1])] : [],
  );
  expect(ended.length).toBeGreaterThan(0);
  expect(Math.max(...ended)).toBeLessThanOrEqual(killedAt + LOCK_MS);
});
