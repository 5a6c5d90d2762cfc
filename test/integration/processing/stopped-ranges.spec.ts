import { setTimeout as sleep } from 'node:timers/promises';
import { createAppBench, defineBackfill, eventually, numbers } from '../../support/apps/index.js';
import type { NumberRow } from '../../support/apps/index.js';

const bench = await createAppBench();
const ROWS = 400;
const PAUSES = 6;

it('a pause amid ranges of rows has no row processed twice', async () => {
  const times = new Map<number, number>();
  const handler = defineBackfill<never, NumberRow>({
    name: 'stopped',
    source: numbers(ROWS),
    config: {
      batchSize: 10,
      concurrency: 4,
      rowConcurrency: 1,
      perSecondOnPeak: null,
      perSecondOffPeak: null,
    },
    processRow: async ({ id }, { signal }) => {
      await sleep(5, null, { signal });
      times.set(id, (times.get(id) ?? 0) + 1);
    },
  });
  const { backfills, finished } = await bench.start({ handlers: [handler] });
  await backfills.start('stopped');
  for (let pause = 1; pause <= PAUSES; pause++) {
    await eventually(
      'some more rows',
      () => Promise.resolve(times.size),
      (size) => size >= (pause * ROWS) / (PAUSES + 2),
    );
    await backfills.pause('stopped');
    await eventually(
      'its ranges to be released',
      () => backfills.status('stopped'),
      ({ rowsDone }) => rowsDone === times.size,
    );
    await backfills.resume('stopped');
  }
  expect(await finished('stopped')).toMatchObject({ state: 'completed', rowsDone: ROWS, rowsRechecked: 0 });
  expect([...times].filter(([, count]) => count > 1)).toEqual([]);
});
