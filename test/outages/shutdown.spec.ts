import { setTimeout as sleep } from 'node:timers/promises';
import { MikroORM } from '@mikro-orm/core';
import { BACKFILL_ENTITIES, createLedgerSchema } from 'nestjs-backfill';
import { createAppBench, defineBackfill, eventually, Item, numbers } from '../support/apps/index.js';
import type { NumberRange } from '../support/apps/index.js';
import { startRedis, type RedisServer } from '../support/services/redis.js';

const bench = await createAppBench();
let redis: RedisServer;

beforeAll(async () => {
  const sql: string[] = [];
  await createLedgerSchema({ addSql: (statement) => sql.push(statement) });
  await bench.database.query(sql.join('\n'));
});
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
  const cases = Object.keys(MODES).flatMap((mode) => [[mode, false] as const, [mode, true] as const]);

  it.each(cases)(
    'closes %s, with its handlers told to stop (ledger: %s)',
    async (mode, ledger) => {
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
      const { backfills, close, logs } = await bench.start({
        handlers: [waiting],
        redis: { connection: { host: redis.host, port: redis.port, db: 0 } },
        entities: ledger ? [...BACKFILL_ENTITIES] : [Item],
        options: { shutdownTimeout: 200, ledger },
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
      // An error of this hook would keep other parts of an app of Nest 11 from their end.
      expect(logs.having('Connection is closed').filter((line) => line.startsWith('error'))).toEqual([]);
    },
    60_000,
  );
});

// A connection that is opened while the app closes is one that the pool of the database waits for.
it('opens no connection to the database for a run whose source and handler use none', async () => {
  const handler = defineBackfill({ name: 'pure', source: numbers(1_000_000), processRange: () => undefined });
  const { app, backfills } = await bench.start({ handlers: [handler] });
  await backfills.start('pure', { config: { batchSize: 10, perSecondOnPeak: 5, perSecondOffPeak: 5 } });
  await eventually(
    'the watchdog to have supervised the run twice',
    () => backfills.samples('pure'),
    (samples) => samples.length >= 2,
  );
  expect(app.get(MikroORM).em.getConnection()).toHaveProperty('connected', false);
});
