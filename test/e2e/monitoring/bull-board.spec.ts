import { createBullBoard } from '@bull-board/api';
import { BullMQAdapter } from '@bull-board/api/bullMQAdapter';
import { ExpressAdapter } from '@bull-board/express';
import type { Queue } from 'bullmq';
import { getBackfillQueueToken, NonRetryableError } from 'nestjs-backfill';
import { startAdminApp } from '../../support/admin/index.js';
import { createAppBench, defineBackfill, eventually, numbers } from '../../support/apps/index.js';

interface Board {
  readonly queues: readonly {
    readonly name: string;
    readonly counts: Readonly<Record<string, number>>;
    readonly readOnlyMode: boolean;
  }[];
}

const bench = await createAppBench();

it('bull-board shows the queue of a backfill in the app itself', async () => {
  const serverAdapter = new ExpressAdapter();
  serverAdapter.setBasePath('/queues');
  const { addQueue } = createBullBoard({ queues: [], serverAdapter });
  const admin = await startAdminApp(bench, {
    admin: null,
    // Before the app listens: Nest's own 404 handler would come first otherwise.
    configure: (app) => app.use('/queues', serverAdapter.getRouter()),
    handlers: [
      defineBackfill({
        name: 'slow',
        source: numbers(50),
        config: { batchSize: 1, perSecondOnPeak: 0.01, perSecondOffPeak: 0.01, duration: 3_600 },
        processRange: () => {
          throw new NonRetryableError('not now');
        },
      }),
    ],
  });
  const queue = admin.app.get<Queue>(getBackfillQueueToken('slow'));
  addQueue(new BullMQAdapter(queue, { readOnlyMode: true }));

  const page = await fetch(`${admin.origin}/queues`);
  expect([page.status, page.headers.get('content-type')]).toEqual([200, 'text/html; charset=utf-8']);
  const board = async () => {
    const response = await fetch(`${admin.origin}/queues/api/queues?activeQueue=slow&page=1&jobsPerPage=10`);
    return (await response.json()) as Board;
  };
  expect((await board()).queues).toMatchObject([{ name: 'slow', readOnlyMode: true }]);
  await admin.backfills.start('slow');
  await eventually('its jobs', board, ({ queues: [slow] }) => (slow?.counts['waiting'] ?? 0) >= 30);
  await admin.backfills.cancel('slow');
  await eventually('none', board, ({ queues: [slow] }) => slow?.counts['waiting'] === 0);
  await admin.close();
});
