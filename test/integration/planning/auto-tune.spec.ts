import { setTimeout as sleep } from 'node:timers/promises';
import { createAppBench, defineBackfill, eventually, numbers } from '../../support/apps/index.js';
import type { NumberRange } from '../../support/apps/index.js';

const bench = await createAppBench();

describe('autoTune', () => {
  it('has ranges grow while rows are fast, and shrink when they become slow', async () => {
    let msPerRow = 0.05;
    let newest = 0;
    const tuned = defineBackfill<NumberRange>({
      name: 'tuned',
      source: numbers(10_000_000),
      config: {
        batchSize: 100,
        duration: 1,
        concurrency: 2,
        perSecondOnPeak: 20,
        perSecondOffPeak: 20,
        autoTune: { targetMs: 50, min: 20, max: 2000 },
      },
      processRange: async ({ low, high }) => {
        newest = high - low + 1;
        await sleep(newest * msPerRow);
      },
    });
    const { backfills } = await bench.start({ handlers: [tuned] });
    await backfills.start('tuned');
    await eventually(
      'larger ranges',
      () => newest,
      (size) => size > 400,
    );
    msPerRow = 1;
    await eventually(
      'smaller ranges',
      () => newest,
      (size) => size < 100,
    );
    await backfills.cancel('tuned');
  });
});
