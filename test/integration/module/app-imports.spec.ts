import { Injectable, Module } from '@nestjs/common';
import { Cron, Interval } from '@nestjs/schedule';
import { MikroOrmModule } from '@mikro-orm/nestjs';
import { PostgreSqlDriver } from '@mikro-orm/postgresql';
import { BullModule } from '@nestjs/bullmq';
import { ScheduleModule } from '@nestjs/schedule';
import { BackfillDefinitionError, BackfillModule } from 'nestjs-backfill';
import { setTimeout as sleep } from 'node:timers/promises';
import {
  appModules,
  createAppBench,
  defineBackfill,
  eventually,
  Item,
  numbers,
} from '../../support/apps/index.js';

const bench = await createAppBench();
const unpaced = { perSecondOnPeak: null, perSecondOffPeak: null };

const work = () =>
  defineBackfill({ name: 'work', source: numbers(100), config: unpaced, processRange: () => undefined });

async function worksOff(app: Awaited<ReturnType<typeof bench.start>>) {
  await app.backfills.start('work');
  expect(await app.finished('work')).toMatchObject({ state: 'completed', rowsDone: 100 });
}

describe('a missing import', () => {
  it.each([
    [
      'MikroOrmModule',
      "MikroOrmModule.forRoot({ ... }),   // import { MikroOrmModule } from '@mikro-orm/nestjs'",
    ],
    [
      'BullModule',
      "BullModule.forRoot({ connection: { host: 'localhost', port: 6379 } }),   // import { BullModule } from '@nestjs/bullmq'",
    ],
    ['ScheduleModule', "ScheduleModule.forRoot(),   // import { ScheduleModule } from '@nestjs/schedule'"],
  ])('%s is named with the line to add', async (missing, line) => {
    const modules = Object.entries(appModules({ database: bench.database, redis: bench.redis }));
    const start = bench.start({
      only: [
        ...modules.flatMap(([name, module]) => (name === missing ? [] : [module])),
        BackfillModule.forRoot({ keyPrefix: bench.keyPrefix() }),
      ],
      handlers: [work()],
    });
    await expect(start).rejects.toThrow(BackfillDefinitionError);
    await expect(start).rejects.toThrow(`the app's own ${missing}.forRoot, which is missing`);
    await expect(start).rejects.toThrow(line);
  });
});

describe("the app's own timers", () => {
  it('fire once each', async () => {
    let intervals = 0;
    const crons = new Map<string, number>();
    @Injectable()
    class Timers {
      @Interval(200)
      onInterval() {
        intervals++;
      }

      @Cron('* * * * * *')
      onCron() {
        const second = new Date().toISOString().slice(0, 19);
        crons.set(second, (crons.get(second) ?? 0) + 1);
      }
    }
    @Module({ providers: [Timers] })
    class TimersModule {}

    const app = await bench.start({ handlers: [work()], imports: [TimersModule] });
    const began = performance.now();
    await worksOff(app);
    await eventually(
      'three seconds of cron',
      () => crons.size,
      (seconds) => seconds >= 3,
    );
    const periods = (performance.now() - began) / 200;
    expect([...crons.values()]).toEqual([...crons.values()].map(() => 1));
    expect(intervals).toBeGreaterThan(0);
    expect(intervals).toBeLessThanOrEqual(Math.ceil(periods) + 2);
  });
});

describe('contextName', () => {
  const { url } = bench.database;
  const orms = ['orders', 'users'].map((contextName) =>
    MikroOrmModule.forRoot({ contextName, driver: PostgreSqlDriver, clientUrl: url, entities: [Item] }),
  );
  const others = () => [
    ...orms,
    BullModule.forRoot({ connection: bench.redis.connection }),
    ScheduleModule.forRoot(),
  ];

  it('chooses the database where the app has several', async () => {
    await worksOff(
      await bench.start({
        only: [...others(), BackfillModule.forRoot({ keyPrefix: bench.keyPrefix(), contextName: 'users' })],
        handlers: [work()],
      }),
    );
  });

  it('of a database that the app lacks is named', async () => {
    await expect(
      bench.start({
        only: [
          ...others(),
          BackfillModule.forRoot({ keyPrefix: bench.keyPrefix(), contextName: 'invoices' }),
        ],
        handlers: [work()],
      }),
    ).rejects.toThrow("MikroOrmModule.forRoot({ ..., contextName: 'invoices' })");
  });
});

describe('two apps in one process', () => {
  it('with a key prefix each do not meet', async () => {
    const seen: string[] = [];
    const apps = await Promise.all(
      ['one', 'two'].map((name) =>
        bench.start({
          options: { keyPrefix: `${bench.keyPrefix()}-${name}` },
          handlers: [
            defineBackfill({
              name: 'work',
              source: numbers(50),
              config: { batchSize: 1, ...unpaced },
              processRange: () => void seen.push(name),
            }),
          ],
        }),
      ),
    );
    const [one, two] = apps as [(typeof apps)[0], (typeof apps)[0]];
    await one.backfills.start('work');
    expect(await one.finished('work')).toMatchObject({ done: 50 });
    expect(seen).toEqual(Array.from({ length: 50 }, () => 'one'));
    expect(await two.backfills.status('work')).toMatchObject({ state: 'idle' });
    await two.backfills.configure('work', { batchSize: 25 });
    expect((await one.backfills.config('work')).config.batchSize).toBe(1);
    await two.backfills.start('work');
    expect(await two.finished('work')).toMatchObject({ done: 2 });
    await sleep(100);
    expect(await one.backfills.runs('work')).toHaveLength(1);
  });
});
