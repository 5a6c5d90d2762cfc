import fc from 'fast-check';
import { busiestSecond, mostAtOnce, simulateBudget } from '../../support/budget/budget-simulation.js';
import type { SimulatedRun, SimulatedStart } from '../../support/budget/budget-simulation.js';
import { createTestRedis } from '../../support/databases/index.js';

const redis = await createTestRedis();

function allowedPerSecond(rate: number): number {
  return Math.max(Math.floor(rate + 1), Math.floor(1.02 * rate));
}

describe('the fair queue of a budget, in simulated time', () => {
  const simulatedRun = fc.record({
    weight: fc.constantFrom(0.5, 1, 2, 3, 8),
    processes: fc.integer({ min: 1, max: 3 }),
    workers: fc.integer({ min: 1, max: 4 }),
    from: fc.constantFrom(0, 0, 1000, 2500),
    until: fc.constantFrom(5000, 20_000),
    base: fc.constantFrom(2, 30, 400),
    spread: fc.constantFrom(0, 3),
    restMs: fc.constantFrom(0, 0, 50, 700),
  });

  it('keeps the limits and starves nobody, whatever the runs do', async () => {
    const property = fc.asyncProperty(
      fc.array(simulatedRun, { minLength: 2, maxLength: 5 }),
      fc.oneof(
        fc.record({ concurrency: fc.integer({ min: 1, max: 6 }) }),
        fc.record({ rangesPerSecond: fc.constantFrom(5, 20, 50) }),
        fc.record({ concurrency: fc.integer({ min: 1, max: 6 }), rangesPerSecond: fc.constantFrom(10, 40) }),
      ),
      async (specs, budget) => {
        const length = 10_000;
        const runs = specs.map(({ base, spread, restMs, ...spec }): SimulatedRun => ({
          ...spec,
          ms: (n) => base * (1 + (n % 3 === 0 ? spread : 0)),
          restMs: () => restMs,
        }));
        const starts = await simulateBudget(redis, { runs, budget, length });
        const { concurrency = Infinity, rangesPerSecond = Infinity } = budget as {
          concurrency?: number;
          rangesPerSecond?: number;
        };
        expect(mostAtOnce(starts)).toBeLessThanOrEqual(concurrency);
        expect(busiestSecond(starts)).toBeLessThanOrEqual(allowedPerSecond(rangesPerSecond));
        const weights = specs.reduce((sum, { weight }) => sum + weight, 0);
        for (const [run, { from, until, weight, base, spread, restMs }] of specs.entries()) {
          const own = starts.filter((each) => each.run === run);
          // What a range takes of the whole budget, at most.
          const cost = Math.max((base * (1 + spread)) / concurrency, 1000 / rangesPerSecond);
          const longest = Math.max(...specs.map((each) => each.base * (1 + each.spread)));
          const due = (cost * weights) / weight;
          const times = [from, ...own.map(({ at }) => at), Math.min(until, length)];
          const gaps = times.slice(1).map((at, i) => at - (times[i] ?? 0));
          expect(Math.max(...gaps)).toBeLessThanOrEqual(6 * due + 2 * longest + restMs + 2000);
        }
      },
    );
    await fc.assert(property, { numRuns: 30 });
  });

  it('shares by weight what runs take that could all use more, however long their ranges are', async () => {
    const greedy = fc.record({ weight: fc.constantFrom(1, 2, 3, 5), base: fc.constantFrom(60, 150, 400) });
    const property = fc.asyncProperty(
      fc.array(greedy, { minLength: 2, maxLength: 4 }),
      fc.oneof(
        fc.record({ concurrency: fc.integer({ min: 2, max: 5 }) }),
        fc.record({ rangesPerSecond: fc.constantFrom(10, 40) }),
      ),
      async (specs, budget) => {
        const length = 10_000;
        const runs = specs.map(({ weight, base }): SimulatedRun => {
          // Where a rate is the limit, each has workers for all of it.
          const longest = 'concurrency' in budget ? base : 20;
          return { weight, processes: 2, workers: 4, ms: (n) => longest * (n % 4 === 0 ? 2 : 1) };
        });
        const starts = await simulateBudget(redis, { runs, budget, length });
        const shared = starts.filter(({ at }) => at > 1000);
        // Where places are the limit, the time in which ranges hold them counts.
        const taken = (of: readonly SimulatedStart[]) =>
          of.reduce((sum, { at, end }) => sum + ('concurrency' in budget ? end - at : 1), 0);
        const weights = specs.reduce((sum, { weight }) => sum + weight, 0);
        for (const [run, { weight }] of specs.entries()) {
          const due = (taken(shared) * weight) / weights;
          const own = taken(shared.filter((each) => each.run === run));
          // The longest ranges of all, as what is under way at the ends counts for none.
          const ranges = 'concurrency' in budget ? 4 * Math.max(...specs.map((each) => each.base)) : 3;
          expect(Math.abs(own - due)).toBeLessThanOrEqual(0.05 * due + ranges);
        }
      },
    );
    await fc.assert(property, { numRuns: 12 });
  });
});
