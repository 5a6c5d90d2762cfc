import { createAppBench, defineBackfill, eventually, numbers } from '../../support/apps/index.js';
import type { NumberRange } from '../../support/apps/index.js';

const UNPACED = {
  perSecondOnPeak: null,
  perSecondOffPeak: null,
  batchSize: 1,
  maxOutstanding: 2000,
  concurrency: 12,
};
const WEIGHTS = [1, 2, 5];

const bench = await createAppBench();

/** Handlers of the weights, which count their ranges. */
function counted(work: (weight: number) => Promise<void> | void) {
  const done = new Map<number, number>();
  const handlers = WEIGHTS.map((weight) =>
    defineBackfill<NumberRange>({
      name: `w${weight}`,
      weight,
      source: numbers(100_000),
      config: UNPACED,
      processRange: async () => {
        await work(weight);
        done.set(weight, (done.get(weight) ?? 0) + 1);
      },
    }),
  );
  return { handlers, done, total: () => [...done.values()].reduce((sum, each) => sum + each, 0) };
}

describe('a budget', () => {
  it('shares its ranges a second by weight', async () => {
    const { handlers, done, total } = counted(() => undefined);
    const options = { budget: { rangesPerSecond: 100 } };
    const { backfills } = await bench.start({ handlers, options });
    await Promise.all(WEIGHTS.map((weight) => backfills.start(`w${weight}`)));
    await eventually('the first ranges', total, (ranges) => ranges > 50);
    const before = new Map(done);
    const first = total();
    await eventually('ranges', total, (ranges) => ranges >= first + 400);
    const all = total() - first;
    for (const weight of WEIGHTS) {
      const due = (all * weight) / 8;
      const off = Math.abs((done.get(weight) ?? 0) - (before.get(weight) ?? 0) - due);
      // Those under way at the beginning and at the end belong to neither, and workers of a busy machine ask late.
      expect(off).toBeLessThanOrEqual(Math.max(0.15 * due, 8));
    }
    // A run whose workers ask late has no share at that moment.
    await eventually(
      'the share of the lightest',
      () => backfills.status('w1'),
      ({ rate }) => rate.reason === 'all hours, limited by the budget: rangesPerSecond, share 12.5 %',
    );
    const budget = await eventually(
      'the shares of all',
      () => backfills.budget(),
      ({ runs }) => runs.length === WEIGHTS.length && runs.every(({ weight, share }) => share === weight / 8),
    );
    expect(budget).toMatchObject({
      context: 'default',
      limits: { rangesPerSecond: 100, concurrency: null },
      patch: {},
      version: '0',
      runs: WEIGHTS.map((weight) => ({ backfill: `w${weight}`, weight, share: weight / 8 })),
    });
  });
});
