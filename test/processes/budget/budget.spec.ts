import { createAppBench, eventually, startBackfillApp } from '../../support/apps/index.js';
import type { BackfillApp } from '../../support/apps/index.js';
import { busiestSecond, excessClaims, placeMsOf } from '../../support/budget/claim-figures.js';
import { ClaimLog } from '../../support/budget/record-claims.js';
import type { RecordedClaim, RecordedStart } from '../../support/budget/record-claims.js';
import { bundleChild } from '../../support/processes/child-bundle.js';
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
/** Part of a limit that is taken where it is what limits the runs, at least. */
const LIMITED = 0.95;

const bench = await createAppBench();
const keyPrefix = `${bench.redis.prefix}-fleet`;
const log = new ClaimLog(bench.redis, keyPrefix);
const claims = () => log.read();
const running: BudgetProcess[] = [];
const ids: string[] = [];
let app: { url: URL; remove: () => void } | undefined;
let operator: BackfillApp | undefined;

/** An app without workers, and four processes that work on the ten backfills. */
async function startFleet() {
  await bench.fillItems('SELECT generate_series(1, 100000)');
  const { database, redis } = bench;
  const options = { keyPrefix, lockDuration: LOCK_MS, shutdownTimeout: 5_000 };
  const settings: BudgetSettings = { database, redis, options, runs: RUNS, rangeMs: RANGE_MS };
  const { url } = (app = await bundleChild(new URL('budget-app.ts', import.meta.url)));
  running.push(...Array.from({ length: PROCESSES }, () => startBudgetProcess(url, settings)));
  const handlers = budgetHandlers(RUNS, RANGE_MS);
  operator = await startBackfillApp({ database, redis, handlers, options: { ...options, workers: false } });
  await Promise.all(running.map((child) => child.isUp()));
}

function configureBudget(limits: Limits): Promise<unknown> {
  return (
    operator?.backfills.configureBudget(limits) ?? Promise.reject(new Error('Expected an app, got none'))
  );
}

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
  // Ranges that were started under higher limits end first.
  const settled = of.slice(of.findIndex(({ total }) => total <= limits.concurrency));
  expect(excessClaims(settled, limits.concurrency, LOCK_MS)).toEqual([]);
}

/**
 * Each run is given its part within 5 %, and none is left out for long.
 *
 * @param limit what all of them may take in a second. Where they take less, the budget is not what limits them, but the
 *   machine, which is busy with something else: then nothing is shared.
 */
function expectShared(of: readonly RecordedClaim[], taken: Map<string, number>, limit: number): void {
  const total = sum(taken.values());
  const seconds = ((of.at(-1)?.at ?? 0) - (of[0]?.at ?? 0)) / 1000;
  if (total < LIMITED * limit * seconds) {
    return;
  }
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

/** The claims until a run with a weight of 1 has been given `RANGES`, about; the first of them are those of a change. */
async function underLimits(limits: Limits): Promise<RecordedClaim[]> {
  await configureBudget(limits);
  const skipped = 2 * WEIGHTS;
  const ranges = async () => startsOf(under(limits, await claims())).length;
  const enough = skipped + RANGES * WEIGHTS;
  await eventually('half of the ranges', ranges, (count) => count >= enough / 2);
  await eventually('the ranges', ranges, (count) => count >= enough);
  const of = under(limits, await claims());
  expectWithin(limits, of);
  let given = 0;
  return of.filter(({ starts }) => (given += starts.length) > skipped);
}

beforeAll(startFleet);

afterAll(async () => {
  running.forEach((child) => child.signal('SIGKILL'));
  await Promise.all([...running.map(({ gone }) => gone), operator?.close()]);
  app?.remove();
});

// All of it is measured by what Redis grants, with start times by its clock: it does not depend on how busy the machine is.
describe('ten runs of four processes', () => {
  const byRanges: Limits = { concurrency: 40, rangesPerSecond: 30, rowsPerSecond: 200 };
  const byRows: Limits = { concurrency: 40, rangesPerSecond: 100, rowsPerSecond: 60 };
  const byPlaces: Limits = { concurrency: 6, rangesPerSecond: 100, rowsPerSecond: 400 };

  it('begin under a budget', async () => {
    await configureBudget(byRanges);
    for (const run of RUNS.keys()) {
      const { runId = '' } = (await operator?.backfills.start(`run-${run}`)) ?? {};
      ids.push(runId);
    }
    const begun = async () => new Set(startsOf(await claims()).map(({ run }) => run)).size;
    expect(await eventually('each run to begin', begun, (runs) => runs === RUNS.length)).toBe(RUNS.length);
  });

  it('exceed rangesPerSecond in no second, and share it by weight', async () => {
    const of = await underLimits(byRanges);
    const taken = takenBy(startsOf(of), () => 1);
    expectShared(of, taken, byRanges.rangesPerSecond);
  });

  it('exceed rowsPerSecond in no second, and share it by weight', async () => {
    const of = await underLimits(byRows);
    const taken = takenBy(startsOf(of), ({ rows }) => rows);
    expectShared(of, taken, byRows.rowsPerSecond);
  });

  it('never exceed concurrency, and share it by weight', async () => {
    const of = await underLimits(byPlaces);
    expectShared(of, placeMsOf(of), 1000 * byPlaces.concurrency);
  });

  it('have the places of a killed process again once its lease is over', async () => {
    await configureBudget(byPlaces);
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
});
