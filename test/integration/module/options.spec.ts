import { Injectable, Module } from '@nestjs/common';
import { BackfillModule, type BackfillModuleOptions } from 'nestjs-backfill';
import { appModules, createAppBench, defineBackfill, numbers } from '../../support/apps/index.js';

const bench = await createAppBench();
const work = () =>
  defineBackfill({
    name: 'work',
    source: numbers(100),
    config: { perSecondOnPeak: null, perSecondOffPeak: null },
    processRange: () => undefined,
  });

describe('forRootAsync', () => {
  const factory = {
    createBackfillOptions: (): BackfillModuleOptions => ({
      keyPrefix: `${bench.keyPrefix()}-async`,
      config: { batchSize: 7 },
    }),
  };
  @Injectable()
  class Options {
    createBackfillOptions() {
      return factory.createBackfillOptions();
    }
  }
  const NUMBER = Symbol('number');
  @Module({
    providers: [Options, { provide: NUMBER, useValue: 7 }],
    exports: [Options, NUMBER],
  })
  class SettingsModule {}

  it.each([
    [
      'useFactory',
      () =>
        BackfillModule.forRootAsync({
          imports: [SettingsModule],
          inject: [NUMBER],
          useFactory: async (batchSize: number) => ({
            ...factory.createBackfillOptions(),
            config: { batchSize },
          }),
        }),
    ],
    ['useClass', () => BackfillModule.forRootAsync({ useClass: Options })],
    ['useExisting', () => BackfillModule.forRootAsync({ imports: [SettingsModule], useExisting: Options })],
  ])('by %s', async (_, module) => {
    const { backfills, finished } = await bench.start({
      only: [...Object.values(appModules({ database: bench.database, redis: bench.redis })), module()],
      handlers: [work()],
    });
    await backfills.start('work');
    expect(await finished('work')).toMatchObject({ state: 'completed', planned: 15 });
    const keys = await bench.redis.client.keys('*');
    expect(keys.filter((key) => key.startsWith(`{${bench.keyPrefix()}-async}:`))).not.toEqual([]);
    expect(keys.filter((key) => key.startsWith(`{${bench.keyPrefix()}}:`))).toEqual([]);
  });
});

describe('defaults of the module', () => {
  it('yield to those of the decorator, and both to what an operator set', async () => {
    const handler = defineBackfill({
      name: 'work',
      source: numbers(100),
      config: { batchSize: 20 },
      processRange: () => undefined,
    });
    const options = { config: { batchSize: 10, attempts: 9, concurrency: 2 } };
    const { backfills } = await bench.start({ handlers: [handler], options });
    await backfills.configure('work', { concurrency: 3 });
    expect((await backfills.config('work')).config).toMatchObject({
      batchSize: 20,
      attempts: 9,
      concurrency: 3,
    });
  });
});

describe('a bad option', () => {
  it.each<[string, object]>([
    ['workers', { workers: 'all' }],
    ['keyPrefix', { keyPrefix: '' }],
    ['lockDuration', { lockDuration: 10 }],
    ['shutdownTimeout', { shutdownTimeout: -1 }],
    ['redis', { redis: 'http://localhost' }],
    ['wrokers', { wrokers: true }],
  ])('%s is named', async (field, options) => {
    const start = bench.start({ handlers: [work()], options });
    await expect(start).rejects.toThrow('The options of BackfillModule are wrong');
    await expect(start).rejects.toThrow(field);
  });

  it('config is named with its field', async () => {
    await expect(bench.start({ handlers: [work()], options: { config: { batchSize: -1 } } })).rejects.toThrow(
      /The default config is not valid \(given to BackfillModule\):\n {2}batchSize: .*got -1/,
    );
  });
});

describe('workers', () => {
  const backfill = (name: string) =>
    defineBackfill({
      name,
      source: numbers(10),
      config: { perSecondOnPeak: null, perSecondOffPeak: null },
      processRange: () => undefined,
    });

  it('by names works for those alone', async () => {
    const { backfills, finished } = await bench.start({
      handlers: [backfill('mine'), backfill('theirs')],
      options: { workers: ['mine'] },
    });
    await backfills.start('theirs');
    await backfills.start('mine');
    expect(await finished('mine')).toMatchObject({ state: 'completed' });
    expect(await backfills.status('theirs')).toMatchObject({ state: 'running', workers: 0, done: 0 });
  });

  it('false leaves the work to other processes, and controls it all the same', async () => {
    const api = await bench.start({ handlers: [backfill('mine')], options: { workers: false } });
    await api.backfills.start('mine');
    const worker = await bench.start({ handlers: [backfill('mine')] });
    expect(await api.finished('mine')).toMatchObject({ state: 'completed', rowsDone: 10 });
    await worker.close();
  });
});
