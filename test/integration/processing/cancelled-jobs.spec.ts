import { setTimeout as sleep } from 'node:timers/promises';
import type { Queue } from 'bullmq';
import { getBackfillQueueToken } from 'nestjs-backfill';
import { createAppBench, defineBackfill, eventually, numbers } from '../../support/apps/index.js';

const bench = await createAppBench();

it('a cancelled run leaves no job in its queue, not even those whose ranges were being processed', async () => {
  let started = 0;
  const handler = defineBackfill({
    name: 'slow',
    source: numbers(50),
    config: { batchSize: 1, perSecondOnPeak: null, perSecondOffPeak: null, concurrency: 4 },
    processRange: async (_, { signal }) => {
      started++;
      await sleep(600_000, undefined, { signal });
    },
  });
  const { app, backfills } = await bench.start({ handlers: [handler] });
  const queue = app.get<Queue>(getBackfillQueueToken('slow'), { strict: false });
  await backfills.start('slow');
  await eventually(
    'four ranges',
    () => started,
    (count) => count === 4,
  );
  await backfills.cancel('slow');
  await eventually(
    'no worker',
    () => backfills.status('slow'),
    ({ workers }) => workers === 0,
  );
  await eventually(
    'no job',
    () => queue.getJobCounts('active', 'waiting', 'delayed'),
    (counts) => Object.values(counts).every((count) => count === 0),
  );
});
