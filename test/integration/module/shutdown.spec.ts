import { setTimeout as sleep } from 'node:timers/promises';
import { createAppBench, defineBackfill, eventually, numbers } from '../../support/apps/index.js';
import type { NumberRange } from '../../support/apps/index.js';
import { startRedis } from '../../support/services/index.js';
import type { RedisServer } from '../../support/services/index.js';

const bench = await createAppBench();
let redis: RedisServer;

beforeEach(async () => {
  redis = await startRedis({ appendonly: true });
});
afterEach(async () => {
  await redis.stop();
});

const MODES: Record<string, () => Promise<void>> = {
  'when Redis is gone': () => redis.kill(),
  'when Redis answers nothing': () => redis.pause(),
  'just after Redis was gone': async () => {
    await redis.kill();
    await sleep(1_500);
    await redis.restart();
  },
};

describe('an app', () => {
  it.each(Object.keys(MODES))(
    'closes %s, with its handlers told to stop',
    async (mode) => {
      let begun = 0;
      let told = 0;
      const waiting = defineBackfill<NumberRange>({
        name: 'waiting',
        source: numbers(100),
        config: { batchSize: 1, concurrency: 2, perSecondOnPeak: null, perSecondOffPeak: null },
        processRange: async (_range, { signal }) => {
          begun++;
          await new Promise<void>((resolve) => {
            signal.addEventListener('abort', () => {
              told++;
              resolve();
            });
          });
          signal.throwIfAborted();
        },
      });
      const { backfills, close } = await bench.start({
        handlers: [waiting],
        redis: { connection: { host: redis.host, port: redis.port, db: 0 } },
        options: { shutdownTimeout: 200 },
      });
      await backfills.start('waiting');
      await eventually(
        'two handlers',
        () => begun,
        (count) => count === 2,
      );
      await MODES[mode]?.();
      await close();
      if (mode === 'when Redis answers nothing') {
        await redis.resume();
      }
      expect(told).toBe(2);
    },
    60_000,
  );
});
