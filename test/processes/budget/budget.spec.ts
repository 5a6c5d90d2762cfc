import { createAppBench, eventually } from '../../support/apps/index.js';
import { busiestSecond, placeMsOf } from '../../support/budget/claim-figures.js';
import { recordedClaims } from '../../support/budget/record-claims.js';
import type { RecordedClaim, RecordedStart } from '../../support/budget/record-claims.js';
import { startBudgetProcess } from './budget-process.js';
import type { BudgetProcess, BudgetSettings } from './budget-process.js';
import { budgetHandlers } from './handlers.js';

type Limits = RecordedClaim['limits'];

const PROCESSES = 4;
const LOCK_MS = 10_000;
const RANGE_MS = 150;
const RUNS = [1, 1, 1, 1, 1, 2, 2, 3, 4, 4].map((weight, run) => ({ weight, rows: 1 + (run % 3) }));
const WEIGHTS = RUNS.reduce((sum, { weight }) => sum + weight, 0);
/** Ranges that a run with a weight of 1 is given under each of the limits, about. */
const RANGES = 40;
/** A run with a weight of 1 has one of so many ranges at least. */
const LONGEST_GAP = 4 * WEIGHTS;

const bench = await createAppBench();
const running: BudgetProcess[] = [];

/** An app without workers, and four processes that work on the ten backfills. */
async function startFleet() {
  await bench.fillItems('SELECT generate_series(1, 100000)');
  const handlers = budgetHandlers(RUNS, RANGE_MS);
  const operator = await bench.start({ handlers, options: { workers: false, lockDuration: LOCK_MS } });
  const { database, redis } = bench;
  const options = { keyPrefix: bench.keyPrefix(), lockDuration: LOCK_MS, shutdownTimeout: 5_000 };
  const settings: BudgetSettings = { database, redis, options, runs: RUNS, rangeMs: RANGE_MS };
  running.push(...Array.from({ length: PROCESSES }, () => startBudgetProcess(settings)));
  await Promise.all(running.map((child) => child.isUp()));
  return operator.backfills;
}

const claims = () => recordedClaims(bench.redis, bench.keyPrefix());

async function redisNow(): Promise<number> {
  const [seconds, micros] = await bench.redis.client.time();
  return Number(seconds) * 1000 + Number(micros) / 1000;
}

/** The claims since every process knew these limits. */
function under(limits: Limits, all: readonly RecordedClaim[]): readonly RecordedClaim[] {
  const keys = Object.keys(limits) as (keyof Limits)[];
  return all.slice(all.findLastIndex((claim) => keys.some((key) => claim.limits[key] !== limits[key])) + 1);
}

const startsOf = (of: readonly RecordedClaim[]): RecordedStart[] => of.flatMap(({ starts }) => starts);
const sum = (numbers: Iterable<number>) => [...numbers].reduce((total, each) => total + each, 0);
const places = (of: readonly RecordedClaim[]) => Math.max(...of.map(({ total }) => total));

/** What is taken of the limits, each by what the budget grants, is never more than they allow. */
function expectWithin(limits: Limits, of: readonly RecordedClaim[]): void {
  const starts = startsOf(of);
  const ranges = busiestSecond(starts, limits.rangesPerSecond, () => 1);
  const rows = busiestSecond(starts, limits.rowsPerSecond, (start) => start.rows);
  expect(ranges.taken).toBeLessThanOrEqual(ranges.allowed);
  expect(rows.taken).toBeLessThanOrEqual(rows.allowed);
  expect(places(of)).toBeLessThanOrEqual(limits.concurrency);
}

/** Each run is given its part within 5 %, and none is left out for long. */
function expectShared(
  ids: readonly string[],
  of: readonly RecordedClaim[],
  taken: Map<string, number>,
): void {
  const total = sum(taken.values());
  const parts = ids.map((id, run) => ((taken.get(id) ?? 0) * WEIGHTS) / (total * (RUNS[run]?.weight ?? 0)));
  expect(parts.filter((part) => Math.abs(part - 1) > 0.05)).toEqual([]);
  const order = startsOf(of).map(({ run }) => run);
  for (const id of ids) {
    const turns = order.flatMap((run, i) => (run === id ? [i] : []));
    const gaps = [...turns, order.length].map((turn, i) => turn - (turns[i - 1] ?? 0));
    expect(Math.max(...gaps)).toBeLessThanOrEqual(LONGEST_GAP);
  }
}

function takenBy(starts: readonly RecordedStart[], taken: (start: RecordedStart) => number) {
  const by = new Map<string, number>();
  starts.forEach((start) => by.set(start.run, (by.get(start.run) ?? 0) + taken(start)));
  return by;
}

/** What each process that is alive holds, after each claim. */
function heldByLiving(all: readonly RecordedClaim[], isDead: (claim: RecordedClaim) => boolean): number[] {
  const held = new Map<string, number>();
  return all.map((claim) => {
    held.set(`${claim.run}|${claim.process}`, isDead(claim) ? 0 : claim.held);
    return sum(held.values());
  });
}

/** Stops a process while it holds places, and kills it. */
async function killHolder(): Promise<{ at: number; isVictim: (claim: RecordedClaim) => boolean }> {
  const killed = await eventually(
    'a process that holds places',
    async () => {
      const [child] = running;
      child?.signal('SIGSTOP');
      const isVictim = ({ process }: RecordedClaim) => process.split(':').includes(String(child?.pid));
      const own = new Map((await claims()).filter(isVictim).map(({ run, held }) => [run, held]));
      if (child && sum(own.values()) > 0) {
        return { child, isVictim };
      }
      child?.signal('SIGCONT');
      return null;
    },
    (found) => found !== null,
  );
  killed?.child.signal('SIGKILL');
  await killed?.child.gone;
  return { at: await redisNow(), isVictim: killed?.isVictim ?? (() => false) };
}

afterEach(async () => {
  running.forEach((child) => child.signal('SIGKILL'));
  await Promise.all(running.splice(0).map(({ gone }) => gone));
});

// All of it is measured by what Redis grants, with start times by its clock: it does not depend on how busy the machine is.
it('ten runs of four processes exceed a budget in no second, share it by weight, and places of a killed process come back', async () => {
  const byRanges: Limits = { concurrency: 40, rangesPerSecond: 30, rowsPerSecond: 200 };
  const byRows: Limits = { concurrency: 40, rangesPerSecond: 100, rowsPerSecond: 60 };
  const byPlaces: Limits = { concurrency: 6, rangesPerSecond: 100, rowsPerSecond: 400 };
  const backfills = await startFleet();
  await backfills.configureBudget(byRanges);
  const ids: string[] = [];
  for (const run of RUNS.keys()) {
    ids.push((await backfills.start(`run-${run}`)).runId);
  }
  await eventually(
    'each run to begin',
    async () => new Set(startsOf(await claims()).map(({ run }) => run)).size,
    (runs) => runs === RUNS.length,
  );
  /** The claims until a run with a weight of 1 has been given `RANGES`, about; the first of them are those of a change. */
  const underLimits = async (limits: Limits) => {
    await backfills.configureBudget(limits);
    const skipped = 2 * WEIGHTS;
    const ranges = async () => startsOf(under(limits, await claims())).length;
    const enough = skipped + RANGES * WEIGHTS;
    await eventually('half of the ranges', ranges, (count) => count >= enough / 2);
    await eventually('the ranges', ranges, (count) => count >= enough);
    const of = under(limits, await claims());
    expectWithin(limits, of);
    let given = 0;
    return of.filter(({ starts }) => (given += starts.length) > skipped);
  };

  const first = await underLimits(byRanges);
  expectShared(
    ids,
    first,
    takenBy(startsOf(first), () => 1),
  );
  const second = await underLimits(byRows);
  expectShared(
    ids,
    second,
    takenBy(startsOf(second), ({ rows }) => rows),
  );
  const third = await underLimits(byPlaces);
  expectShared(ids, third, placeMsOf(third));

  const { at, isVictim } = await killHolder();
  const back = at + LOCK_MS;
  await eventually(
    'its places to be taken',
    async () => places((await claims()).filter((claim) => claim.at > back)),
    (taken) => taken === byPlaces.concurrency,
  );
  const all = under(byPlaces, await claims());
  expectWithin(byPlaces, all);
  const living = heldByLiving(all, isVictim);
  // By then only the living hold places, and they have all of them.
  const wrong = all.filter((claim, i) => claim.at > back && claim.total > (living[i] ?? 0));
  expect(wrong).toEqual([]);
});
