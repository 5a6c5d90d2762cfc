import { setImmediate as turn } from 'node:timers/promises';
import { createAppBench, defineBackfill, numbers } from '../../support/apps/index.js';
import type { NumberRange, NumberRow } from '../../support/apps/index.js';

const PER_MS = 1_000;
const SECONDS = 12;

const bench = await createAppBench();

/** Has the process do nothing else for so long. */
function standStill(ms: number): void {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms);
}

/** The most calls in any stretch of so many ms. */
function mostWithin(ms: number, calls: readonly number[]): number {
  let from = 0;
  return calls.reduce((most, at, i) => {
    while (at - (calls[from] ?? at) >= ms) {
      from++;
    }
    return Math.max(most, i - from + 1);
  }, 0);
}

describe('a quota', () => {
  it.each([
    ['with calls that have begun', 'before', 50],
    ['with calls that are gone', 'after', 50],
    ['with many calls that are due', 'after', 500],
  ])('is kept by a process that stands still now and then, %s', async (_, when, max) => {
    const rows = SECONDS * max;
    const arrivals: number[] = [];
    const called = defineBackfill<NumberRange, NumberRow>({
      name: 'called',
      source: numbers(rows),
      config: {
        perSecondOnPeak: null,
        perSecondOffPeak: null,
        batchSize: 100,
        rowConcurrency: 100,
        quota: { max, perMs: PER_MS },
      },
      processRow: async ({ id }) => {
        const stillMs = id % Math.round(0.22 * max) === 0 ? 20 + (id % 30) : 0;
        if (when === 'before') {
          standStill(stillMs);
        }
        await turn();
        arrivals.push(performance.now());
        if (when === 'after') {
          await turn();
          standStill(stillMs);
        }
      },
    });
    const { backfills, finished } = await bench.start({ handlers: [called] });
    await backfills.start('called');
    expect(await finished('called')).toMatchObject({ state: 'completed', rowsDone: rows });
    expect(arrivals).toHaveLength(rows);
    expect(mostWithin(PER_MS, arrivals)).toBeLessThanOrEqual(max);
  });
});
