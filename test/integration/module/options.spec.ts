import { Injectable, Module } from '@nestjs/common';
import { BackfillDefinitionError, BackfillModule, type BackfillModuleOptions } from 'nestjs-backfill';
import { WORKERS_VARIABLE } from '../../../lib/config/module-options.js';
import { appModules, createAppBench, defineBackfill, numbers } from '../../support/apps/index.js';

const bench = await createAppBench();
const work = () =>
  defineBackfill({
    name: 'work',
    source: numbers(100),
    config: { perSecondOnPeak: null, perSecondOffPeak: null },
    processRange: () => undefined,
  });

describe('forRoot', () => {
  it.each([
    ['without an argument', () => BackfillModule.forRoot()],
    ['with undefined', () => BackfillModule.forRoot(undefined)],
  ])('%s applies the defaults', async (_, module) => {
    const { backfills, finished } = await bench.start({
      only: [...Object.values(appModules({ database: bench.database, redis: bench.redis })), module()],
      handlers: [work()],
    });
    await backfills.start('work');
    expect(await finished('work')).toMatchObject({ state: 'completed', planned: 1 });
  });
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
    expect(await backfills.config('work')).toMatchObject({
      config: { batchSize: 20, attempts: 9, concurrency: 3, duration: 60 },
      origins: { batchSize: 'decorator', attempts: 'module', concurrency: 'operator', duration: 'default' },
    });
  });
});

describe('an invalid option', () => {
  it.each<[string, object]>([
    ['workers: expected true, false or a list of names of backfills, got "all"', { workers: 'all' }],
    ['keyPrefix: expected a string that is not empty, got ""', { keyPrefix: '' }],
    [
      'lockDuration: expected a whole number of milliseconds from 1,000 to 3,600,000, got 10',
      { lockDuration: 10 },
    ],
    [
      'shutdownTimeout: expected a whole number of milliseconds from 0 to 3,600,000, got -1',
      { shutdownTimeout: -1 },
    ],
    ['redis: expected a URL redis://... or rediss://..., options of ioredis', { redis: 'http://localhost' }],
    ['throttles.0: expected a throttle with a name and measure(), got {}', { throttles: [{}] }],
    ['wrokers', { wrokers: true }],
  ])('is named: %s', async (message, options) => {
    const start = bench.start({ handlers: [work()], options });
    await expect(start).rejects.toThrow('The options of BackfillModule are not valid');
    await expect(start).rejects.toThrow(message);
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

  it.each<[string[], string[], string]>([
    [['mien'], ['mine', 'theirs'], 'got "mien" (did you mean "mine"?)'],
    [['mine', ' theirs', ''], ['mine', 'theirs'], 'got " theirs" (did you mean "theirs"?), ""'],
    [['mine'], [], 'this process has none, got "mine"'],
  ])('%j is refused in a process that has %j', async (workers, names, got) => {
    const start = bench.start({ handlers: names.map(backfill), options: { workers } });
    await expect(start).rejects.toThrow(BackfillDefinitionError);
    await expect(start).rejects.toThrow(/^The option workers of BackfillModule must /);
    await expect(start).rejects.toThrow(got);
  });

  it('are not checked where the environment turns all off', async () => {
    process.env[WORKERS_VARIABLE] = 'false';
    try {
      const { backfills } = await bench.start({
        handlers: [backfill('mine')],
        options: { workers: ['mien'] },
      });
      expect(await backfills.status('mine')).toMatchObject({ state: 'idle' });
    } finally {
      delete process.env[WORKERS_VARIABLE];
    }
  });

  it('false leaves the work to other processes, and controls it all the same', async () => {
    const api = await bench.start({ handlers: [backfill('mine')], options: { workers: false } });
    await api.backfills.start('mine');
    const worker = await bench.start({ handlers: [backfill('mine')] });
    expect(await api.finished('mine')).toMatchObject({ state: 'completed', rowsDone: 10 });
    await worker.close();
  });
});
