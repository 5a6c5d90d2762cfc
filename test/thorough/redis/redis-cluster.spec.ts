import { Cluster } from 'ioredis';
import { BullModule } from '@nestjs/bullmq';
import { BackfillModule } from 'nestjs-backfill';
import { WorkReportStore } from '../../../lib/state/work-report.store.js';
import { appModules, createAppBench, defineBackfill, eventually, numbers } from '../../support/apps/index.js';
import { startRedisCluster } from '../../support/services/redis-cluster.js';

const bench = await createAppBench();

describe('a Redis cluster', () => {
  it('runs a backfill from its start to retried failures', async () => {
    const redis = await startRedisCluster();
    const client = new Cluster([...redis.nodes], { redisOptions: { maxRetriesPerRequest: null } });
    try {
      let broken = true;
      const seen: number[] = [];
      const work = defineBackfill<never, { id: number }>({
        name: 'work',
        source: numbers(200),
        config: { batchSize: 10, attempts: 1, perSecondOnPeak: 100, perSecondOffPeak: 100 },
        processRow: ({ id }) => {
          if (broken && id === 77) {
            throw new Error('no');
          }
          seen.push(id);
        },
      });
      const { BullModule: _bull, ...modules } = appModules({ database: bench.database, redis: bench.redis });
      const app = await bench.start({
        only: [
          ...Object.values(modules),
          BullModule.forRoot({ connection: client }),
          BackfillModule.forRoot({ keyPrefix: bench.keyPrefix() }),
        ],
        handlers: [work],
      });
      // Each node has ids of connections of its own.
      expect(await app.app.get(WorkReportStore, { strict: false }).connection()).toBeNull();
      await app.backfills.start('work');
      await eventually(
        'some rows',
        () => seen.length,
        (length) => length > 20,
      );
      await app.backfills.pause('work');
      await app.backfills.configure('work', { perSecondOnPeak: null, perSecondOffPeak: null });
      await app.backfills.resume('work');
      expect(await app.finished('work')).toMatchObject({
        state: 'failed',
        done: 20,
        rowsDone: 199,
        rowsFailed: 1,
      });
      broken = false;
      await app.backfills.retryFailures('work');
      expect(await app.finished('work')).toMatchObject({ state: 'completed', rowsDone: 200 });
      expect(new Set(seen).size).toBe(200);
      await app.close();
      expect(await client.ping()).toBe('PONG');
    } finally {
      client.disconnect();
      await redis.stop();
    }
  });
});
