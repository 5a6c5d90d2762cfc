import { BullModule } from '@nestjs/bullmq';
import type { ConnectionOptions } from 'bullmq';
import { ScheduleModule } from '@nestjs/schedule';
import { Redis, type RedisOptions } from 'ioredis';
import { BackfillModule, type BackfillModuleOptions } from 'nestjs-backfill';
import { MikroOrmModule } from '@mikro-orm/nestjs';
import { PostgreSqlDriver } from '@mikro-orm/postgresql';
import { createAppBench, defineBackfill, Item, numbers } from '../../support/apps/index.js';
import { RedisConnections } from '../../../lib/redis/redis-connections.js';

const bench = await createAppBench();

async function start(connection: ConnectionOptions, options: BackfillModuleOptions = {}) {
  return bench.start({
    only: [
      MikroOrmModule.forRoot({ driver: PostgreSqlDriver, clientUrl: bench.database.url, entities: [Item] }),
      BullModule.forRoot({ connection }),
      ScheduleModule.forRoot(),
      BackfillModule.forRoot({ keyPrefix: bench.keyPrefix(), ...options }),
    ],
    handlers: [
      defineBackfill({
        name: 'work',
        source: numbers(100),
        config: { perSecondOnPeak: null, perSecondOffPeak: null },
        processRange: () => undefined,
      }),
    ],
  });
}

async function expectWork({ backfills, finished }: Awaited<ReturnType<typeof start>>) {
  await backfills.start('work');
  expect(await finished('work')).toMatchObject({ state: 'completed', rowsDone: 100 });
  const keys = await bench.redis.client.keys(`{${bench.keyPrefix()}}*`);
  expect(keys).not.toEqual([]);
}

describe('the connection to Redis', () => {
  it('comes from host options of BullModule', async () => {
    await expectWork(await start(bench.redis.connection));
  });

  it('comes from a URL of BullModule', async () => {
    await expectWork(await start({ url: bench.redis.url }));
  });

  it('comes from a client of the app, which stays open', async () => {
    const client = new Redis(bench.redis.url, { maxRetriesPerRequest: null });
    const app = await start(client);
    await expectWork(app);
    await app.close();
    expect(await client.ping()).toBe('PONG');
    await client.quit();
  });

  it.each([
    ['options', (options: RedisOptions) => options],
    ['a client', (options: RedisOptions) => new Redis(options)],
  ])('leaves a master that sentinels replace at once, given as %s', async (_, given) => {
    const options = { sentinels: [{ host: '127.0.0.1', port: 1 }], name: 'main', lazyConnect: true };
    const connection = given(options);
    const { client, reader } = new RedisConnections(connection, 'the option redis', () => {});
    for (const own of [client, reader, (client as Redis).duplicate()]) {
      expect(own.options).toMatchObject({ ...options, failoverDetector: true, maxRetriesPerRequest: null });
    }
  });

  it.each([
    ['a URL', () => bench.redis.url],
    ['options', () => bench.redis.connection],
  ])('comes from the option redis, given as %s', async (_, redis) => {
    await expectWork(await start({ host: '127.0.0.1', port: 1, lazyConnect: true }, { redis: redis() }));
  });

  it('comes from the option redis, given as a client', async () => {
    const redis = new Redis(bench.redis.url);
    await expectWork(await start({ host: '127.0.0.1', port: 1, lazyConnect: true }, { redis }));
    await redis.quit();
  });

  it('is rejected where it is no client of ioredis', async () => {
    const client = { sendCommand: () => undefined };
    await expect(start(bench.redis.connection, { redis: client as never })).rejects.toThrow(
      'Expected the option redis to be a Redis URL, options of ioredis, or a client of ioredis, got a client of another driver',
    );
  });
});
