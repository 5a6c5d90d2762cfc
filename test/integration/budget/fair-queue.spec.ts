import { busiestSecond, simulateBudget } from '../../support/budget/budget-simulation.js';
import type { SimulatedRun, SimulatedStart } from '../../support/budget/budget-simulation.js';
import { busiestSecond as busiestRows } from '../../support/budget/claim-figures.js';
import { createTestRedis } from '../../support/databases/index.js';
import { sized } from '../../support/thorough.js';

const redis = await createTestRedis();

/** Ranges of each run among some starts. */
function counted(starts: readonly SimulatedStart[], runs: number): number[] {
  return Array.from({ length: runs }, (_, run) => starts.filter((each) => each.run === run).length);
}

function allowedPerSecond(rate: number): number {
  return Math.max(Math.floor(rate + 1), Math.floor(1.02 * rate));
}

describe('the fair queue of a budget, in simulated time', () => {
  it('ten runs of four processes start no more than it allows in any second, by their weights', async () => {
    const weights = [1, 1, 1, 1, 1, 2, 2, 3, 4, 4];
    const total = weights.reduce((sum, weight) => sum + weight, 0);
    const runs = weights.map((weight) => ({ weight, processes: 4, workers: 2, ms: () => 1 }));
    const length = sized(3_000, 60_000);
    const starts = await simulateBudget(redis, { runs, budget: { rangesPerSecond: 100 }, length });
    expect(busiestSecond(starts)).toBeLessThanOrEqual(allowedPerSecond(100));
    expect(starts.length).toBeGreaterThan((length / 1000 - 1) * 100);
    // Each run has asked by then.
    const shared = starts.slice(20);
    for (const [run, given] of counted(shared, runs.length).entries()) {
      const due = (shared.length * (weights[run] ?? 0)) / total;
      expect(Math.abs(given - due)).toBeLessThanOrEqual(Math.max(0.05 * due, 1.5));
    }
  });

  it('ranges of different sizes, late ones among them, exceed it in no second by more than one of them', async () => {
    const weights = [1, 1, 1, 1, 1, 2, 2, 3, 4, 4];
    const rows = weights.map((_, run) => 1 + ((run + 2) % 3));
    const ms = () => 150;
    const runs = weights.map((weight, run) => ({ weight, processes: 4, workers: 2, ms, rows: rows[run] }));
    // Each process is kept from its work again and again.
    const awake = (at: number) => Math.max(at, at - (at % 1996) + 356);
    const budget = { concurrency: 40, rangesPerSecond: 100, rowsPerSecond: 60 };
    const starts = await simulateBudget(redis, { runs, budget, length: sized(12_000, 60_000), awake });
    const started = starts.map(({ run, at }) => ({ run: `${run}`, at, rows: rows[run] ?? 0 }));
    const { taken, allowed } = busiestRows(started, 60, (start) => start.rows);
    expect(taken).toBeLessThanOrEqual(allowed);
  });

  it('runs keep their shares where all of them stand still now and then', async () => {
    const weights = [1, 1, 2, 4];
    const runs = weights.map((weight) => ({ weight, processes: 2, workers: 3, ms: () => 150 }));
    const length = sized(16_000, 60_000);
    // As on a machine that is busy with something else for 1.5 s again and again.
    const awake = (at: number) => Math.max(at, at - (at % 3700) + 1500);
    const budget = { rangesPerSecond: 30 };
    // Each run has asked by then.
    const starts = (await simulateBudget(redis, { runs, budget, length, awake })).slice(20);
    for (const [run, given] of counted(starts, runs.length).entries()) {
      const due = (starts.length * (weights[run] ?? 0)) / 8;
      expect(Math.abs(given - due)).toBeLessThanOrEqual(Math.max(0.05 * due, 2));
    }
  });

  it('shares of places are of the time that ranges take, not of what they took before', async () => {
    const weights = [1, 1, 2, 4];
    const before = 4;
    const ms = (weight: number) => (n: number) => (n <= before * weight ? 750 : 150);
    const runs = weights.map((weight) => ({ weight, processes: 2, workers: 3, ms: ms(weight) }));
    const length = sized(14_000, 60_000);
    const starts = await simulateBudget(redis, { runs, budget: { concurrency: 4 }, length });
    const short = starts.filter(({ at, end }) => end - at < 400);
    for (const [run, given] of counted(short, runs.length).entries()) {
      const due = (short.length * (weights[run] ?? 0)) / 8;
      expect(Math.abs(given - due)).toBeLessThanOrEqual(Math.max(0.05 * due, 2));
    }
  });

  it.each([
    ['ranges', { rangesPerSecond: 4 }, 1],
    ['places', { concurrency: 4 }, 1000],
  ])('a run that had all %s for long neither keeps them nor starves', async (_what, budget, ms) => {
    const from = sized(60_000, 3_600_000);
    const run: SimulatedRun = { weight: 1, processes: 2, workers: 4, ms: () => ms };
    const runs = [run, { ...run, from }];
    const starts = await simulateBudget(redis, { runs, budget, length: from + 15_000 });
    // All of it was used.
    expect(starts.filter(({ at }) => at < from).length).toBeGreaterThan((0.98 * 4 * from) / 1000);
    const shared = starts.filter(({ at }) => at > from + 1500);
    for (const part of [shared.slice(0, 20), shared.slice(20, 40)]) {
      const [first = 0, second = 0] = counted(part, 2);
      expect([first, second].every((given) => given >= 7)).toBe(true);
    }
  });

  it('a run keeps its turn while some of its ranges wait and another has just been given a place', async () => {
    const weights = [1, 3];
    const base = [150, 60];
    const runs = weights.map((weight, run) => ({
      weight,
      processes: 2,
      workers: 4,
      ms: (n: number) => (base[run] ?? 0) * (n % 4 === 0 ? 2 : 1),
    }));
    const length = sized(5_000, 60_000);
    const starts = await simulateBudget(redis, { runs, budget: { concurrency: 3 }, length });
    const taken = weights.map((_, run) =>
      starts.reduce((sum, each) => sum + (each.run === run && each.at > 1000 ? each.end - each.at : 0), 0),
    );
    const [first = 0, second = 0] = taken;
    const due = (first + second) / 4;
    expect(Math.abs(first - due)).toBeLessThanOrEqual(Math.max(0.05 * due, 300));
  });

  it('a run that asks again just when it said does not wait forever for one that asks no more', async () => {
    const run: SimulatedRun = { weight: 1, processes: 1, workers: 1, ms: () => 150 };
    const starts = await simulateBudget(redis, {
      runs: [run, { ...run, until: 1100 }],
      budget: { concurrency: 1 },
      length: 5_000,
    });
    expect(starts.filter((each) => each.run === 0 && each.at > 2_000).length).toBeGreaterThan(15);
  });

  it('a run that used what another could not is not starved by one that comes later, nor starves it', async () => {
    const from = sized(20_000, 600_000);
    const late: SimulatedRun = { weight: 1, processes: 2, workers: 8, ms: () => 1000 };
    const runs: SimulatedRun[] = [
      // Rows are what limits it, with one worker.
      { weight: 1, processes: 1, workers: 1, rows: 100, ms: () => 10 },
      // Has the places that the first cannot use.
      late,
      { ...late, from },
    ];
    const budget = { concurrency: 10, rowsPerSecond: 100 };
    const starts = await simulateBudget(redis, { runs, budget, length: from + 15_000 });
    const shared = starts.filter(({ at }) => at > from + 2000);
    const [rows = 0, first = 0, second = 0] = counted(shared.slice(0, 60), 3);
    expect(rows).toBeGreaterThan(0);
    expect(Math.abs(first - second)).toBeLessThanOrEqual(10);
  });
});
