import {
  createAppBench,
  defineBackfill,
  eventually,
  numbers,
  type NumberRange,
} from '../../support/apps/index.js';

const WITHIN_MS = 60_000;
const bench = await createAppBench();

describe('processes without the handler of a backfill', () => {
  it('take neither its cycles nor the duty to supervise it, and its run goes on', async () => {
    const other = defineBackfill({ name: 'other', source: numbers(1), processRange: () => undefined });
    const beside = await Promise.all(Array.from({ length: 6 }, () => bench.start({ handlers: [other] })));
    const done: number[] = [];
    const work = defineBackfill({
      name: 'work',
      source: numbers(200),
      processRange: ({ low }: NumberRange) => void done.push(low),
    });
    const { backfills, finished } = await bench.start({ handlers: [work] });
    // Each start is one more chance for a process without the handler to take the first cycle.
    for (let i = 0; i < 5; i++) {
      done.length = 0;
      await backfills.start('work', {
        config: { batchSize: 1, perSecondOnPeak: null, perSecondOffPeak: null },
      });
      expect(await finished('work', WITHIN_MS)).toMatchObject({
        state: 'completed',
        planned: 200,
        done: 200,
      });
      expect(done.toSorted((a, b) => a - b)).toEqual(Array.from({ length: 200 }, (_, j) => j + 1));
    }
    expect(beside.flatMap(({ logs }) => logs.having('[work run'))).toEqual([]);
  }, 120_000);

  it('leave the supervision of its run to the process that has the handler', async () => {
    const other = defineBackfill({ name: 'other', source: numbers(1), processRange: () => undefined });
    await Promise.all(Array.from({ length: 6 }, () => bench.start({ handlers: [other] })));
    const work = defineBackfill({ name: 'work', source: numbers(100_000), processRange: () => undefined });
    const { backfills } = await bench.start({ handlers: [work] });
    await backfills.start('work', { config: { perSecondOnPeak: 5, perSecondOffPeak: 5 } });
    // The watchdog of the process that supervises a run records a sample of it each second.
    const samples = await eventually(
      'ten samples of the run',
      () => backfills.samples('work'),
      ({ length }) => length >= 10,
      WITHIN_MS,
    );
    const gaps = samples.slice(1).map(({ at }, i) => at - (samples[i]?.at ?? NaN));
    expect(Math.max(...gaps)).toBeLessThan(10_000);
    await backfills.cancel('work');
  }, 120_000);
});
