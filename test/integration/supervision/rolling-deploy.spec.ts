import {
  createAppBench,
  defineBackfill,
  eventually,
  numbers,
  type NumberRange,
} from '../../support/apps/index.js';

const bench = await createAppBench();

describe('processes without the handler of a backfill', () => {
  it('take neither its cycles nor the duty to supervise it, and its run goes on', async () => {
    const other = defineBackfill({ name: 'other', source: numbers(1), processRange: () => undefined });
    const beside = await Promise.all(Array.from({ length: 3 }, () => bench.start({ handlers: [other] })));
    const done: number[] = [];
    const work = defineBackfill({
      name: 'work',
      source: numbers(200),
      processRange: ({ low }: NumberRange) => void done.push(low),
    });
    const { backfills, finished } = await bench.start({ handlers: [work] });
    // Each start is one more chance for a process without the handler to take the first cycle.
    for (let i = 0; i < 3; i++) {
      done.length = 0;
      await backfills.start('work', {
        config: { batchSize: 1, perSecondOnPeak: null, perSecondOffPeak: null },
      });
      expect(await finished('work')).toMatchObject({
        state: 'completed',
        planned: 200,
        done: 200,
      });
      expect(done.toSorted((a, b) => a - b)).toEqual(Array.from({ length: 200 }, (_, j) => j + 1));
    }
    expect(beside.flatMap(({ logs }) => logs.having('[work run'))).toEqual([]);
  });

  it('leave the supervision of its run to the process that has the handler', async () => {
    const other = defineBackfill({ name: 'other', source: numbers(1), processRange: () => undefined });
    await Promise.all(Array.from({ length: 3 }, () => bench.start({ handlers: [other] })));
    const work = defineBackfill({ name: 'work', source: numbers(100_000), processRange: () => undefined });
    const { backfills } = await bench.start({ handlers: [work] });
    await backfills.start('work', { config: { perSecondOnPeak: 5, perSecondOffPeak: 5 } });
    // The watchdog of the process that supervises a run records a sample of it each second.
    await eventually(
      'five samples of the run',
      () => backfills.samples('work'),
      ({ length }) => length >= 5,
    );
    await backfills.cancel('work');
  });
});
